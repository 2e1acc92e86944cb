import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { validateTask } from './task-validation.js'
import { PortSchema, placementFields, ResourceRequirementsSchema } from './workload.js'

const KeySelectorSchema = t.object({
  name: t.string().describe('The name of the object.'),
  key: t.string().describe('The key in it.'),
  optional: t.boolean().describe('Whether the variable may be absent.').default(false),
})

export const envSourceFields = {
  secretKeyRef: KeySelectorSchema.describe('A key of a Secret in the same namespace.').optional(),
  configMapKeyRef: KeySelectorSchema.describe('A key of a ConfigMap in the same namespace.').optional(),
} as const
export const envVarFields = {
  name: t.string().describe('The name of the variable.').with({ minLength: 1, maxLength: 256 }),
  value: t.string().describe('Its value.').optional(),
  valueFrom: t.object(envSourceFields).describe('Where the value comes from; exactly one source.').optional(),
} as const
export const EnvVarSchema = t.object(envVarFields)

const SourceSchema = t.object({
  name: t.string().describe('The name of the object.'),
  optional: t.boolean().describe('Whether it may be absent.').default(false),
})
export const EnvFromSchema = t.object({
  prefix: t.string().describe('Put before every key.').optional(),
  secretRef: SourceSchema.describe('A Secret in the same namespace.').optional(),
  configMapRef: SourceSchema.describe('A ConfigMap in the same namespace.').optional(),
})

const KeyToPathSchema = t.object({
  key: t.string().describe('The key.'),
  path: t.string().describe('The file, relative to the mount.'),
  mode: t.integer().describe('The mode of the file.').with({ minimum: 0, maximum: 511 }).optional(),
})
const projectionFields = {
  items: t.list(KeyToPathSchema).describe('Which keys become which files; unset takes all.').optional(),
  defaultMode: t.integer().describe('The mode of the files.').with({ minimum: 0, maximum: 511 }).default(0o644),
  optional: t.boolean().describe('Whether the object may be absent.').default(false),
}
export const volumeFields = {
  name: t.string().describe('The name that mounts refer to.').with({ minLength: 1, maxLength: 63 }),
  emptyDir: t
    .object({
      medium: t.oneOf('', 'Memory').describe('Memory: a tmpfs.').default(''),
      sizeLimit: t.quantity().describe('The most it may hold.').optional(),
    })
    .describe('An empty directory that lives as long as the attempt.')
    .optional(),
  hostPath: t
    .object({
      path: t.string().describe('An absolute path on the node.'),
      type: t.oneOf('', 'Directory', 'File', 'DirectoryOrCreate').describe('What must be there.').default(''),
    })
    .describe('A path of the node. Only in namespaces labelled millrace.dev/security=privileged.')
    .optional(),
  secret: t
    .object({ secretName: t.string().describe('The Secret.'), ...projectionFields })
    .describe('Files from a Secret.')
    .optional(),
  configMap: t
    .object({ name: t.string().describe('The ConfigMap.'), ...projectionFields })
    .describe('Files from a ConfigMap.')
    .optional(),
} as const
export const VolumeSchema = t.object(volumeFields)

export const volumeMountFields = {
  name: t.string().describe('The volume.'),
  mountPath: t
    .string()
    .describe('Where it appears. The process backend has no mounts: it gives the volume under $MILLRACE_VOLUMES/NAME.')
    .optional(),
  readOnly: t.boolean().describe('Whether writes are refused.').default(false),
  subPath: t.string().describe('A path inside the volume to mount instead of its root.').optional(),
} as const
export const VolumeMountSchema = t.object(volumeMountFields)

export const probeTimingFields = {
  initialDelaySeconds: t.integer().describe('Seconds before the first probe.').with({ minimum: 0 }).default(0),
  periodSeconds: t.integer().describe('Seconds between probes.').with({ minimum: 1 }).default(10),
  timeoutSeconds: t.integer().describe('Seconds that a probe may take.').with({ minimum: 1 }).default(1),
  successThreshold: t.integer().describe('Successes in a row that count as healthy.').with({ minimum: 1 }).default(1),
  failureThreshold: t.integer().describe('Failures in a row that count as unhealthy.').with({ minimum: 1 }).default(3),
} as const

const ProbeSchema = t.object({
  exec: t
    .object({ command: t.list(t.string()).describe('The command; exit code 0 is success.') })
    .describe('Run a command in the workload.')
    .optional(),
  http: t
    .object({
      path: t.string().describe('The path.').default('/'),
      port: t.integer().describe('The port.').with({ minimum: 1, maximum: 65535 }),
      scheme: t.oneOf('HTTP', 'HTTPS').describe('The scheme; certificates are not verified.').default('HTTP'),
    })
    .describe('Ask over HTTP; 200 to 399 is success.')
    .optional(),
  tcp: t
    .object({ port: t.integer().describe('The port.').with({ minimum: 1, maximum: 65535 }) })
    .describe('Open a TCP connection.')
    .optional(),
  ...probeTimingFields,
})

export const TaskSpecSchema = t.object({
  backend: t
    .oneOf('docker', 'qemu', 'process')
    .describe('What runs the task. qemu: a microVM for each run. Default: docker when image is set, else process.')
    .optional(),
  image: t
    .string()
    .describe("The container image. qemu: the name of an image in the node's image directory, NAME.vmlinuz and NAME.initrd.")
    .with({ maxLength: 1024 })
    .optional(),
  imagePullPolicy: t
    .oneOf('Always', 'IfNotPresent', 'Never')
    .describe('When the image is pulled. Default: Always for the tag latest, else IfNotPresent.')
    .optional(),
  command: t.list(t.string()).describe("What to run; replaces the image's entrypoint.").optional(),
  args: t.list(t.string()).describe('Arguments of the command.').optional(),
  env: t.listMap(['name'], EnvVarSchema).describe('Environment variables.').optional(),
  envFrom: t.list(EnvFromSchema).describe('Objects whose keys all become environment variables.').optional(),
  workingDir: t.string().describe('The directory to run in.').optional(),
  resources: ResourceRequirementsSchema.describe('What the task needs and may use.').optional(),
  restartPolicy: t
    .oneOf('Never', 'OnFailure', 'Always')
    .describe('Whether the agent starts it again, in place, when it ends.')
    .default('Never'),
  backoffLimit: t.integer().describe('Restarts before a failing task is given up, with OnFailure.').with({ minimum: 0 }).default(6),
  onNodeLost: t
    .oneOf('Keep', 'Reschedule')
    .describe('What happens to the task when its node is gone for good or it was evicted.')
    .default('Keep'),
  activeDeadlineSeconds: t
    .integer()
    .describe('Seconds after the start at which the task is ended as failed.')
    .with({ minimum: 1 })
    .optional(),
  terminationGracePeriodSeconds: t.integer().describe('Seconds between the polite signal and the kill.').with({ minimum: 0 }).default(30),
  ttlSecondsAfterFinished: t.integer().describe('Seconds after its end at which the task is deleted.').with({ minimum: 0 }).optional(),
  suspend: t.boolean().describe('Whether the task is paused. It keeps its memory.').default(false),
  ...placementFields,
  ports: t.list(PortSchema).describe('Ports that the task listens on.').optional(),
  volumes: t.listMap(['name'], VolumeSchema).describe('Directories and files given to the task.').optional(),
  volumeMounts: t.list(VolumeMountSchema).describe('Where the volumes appear.').optional(),
  startupProbe: ProbeSchema.describe('Success ends the start; until then the other probes wait.').optional(),
  livenessProbe: ProbeSchema.describe('Failure ends the run; the restart policy decides what follows.').optional(),
  readinessProbe: ProbeSchema.describe('Success makes the task Ready.').optional(),
  privileged: t.boolean().describe('All rights on the node. Only in namespaces labelled millrace.dev/security=privileged.').default(false),
})

/** Phases, each derived from the conditions. */
export const taskPhases = ['Pending', 'Assigned', 'Preparing', 'Running', 'Paused', 'Succeeded', 'Failed', 'Unknown'] as const
export type TaskPhase = (typeof taskPhases)[number]

export const TaskStatusSchema = t.object({
  phase: t
    .oneOf(...taskPhases)
    .describe('Where the task is, in one word.')
    .optional(),
  conditions: ConditionsSchema.optional(),
  observedGeneration: t.integer().describe('The generation that the agent has acted on.').optional(),
  startedAt: t.time().describe('When the current run started.').optional(),
  finishedAt: t.time().describe('When the task ended.').optional(),
  exitCode: t.integer().describe('The exit code of the last run.').optional(),
  signal: t.string().describe('The signal that ended the last run, as SIGKILL.').optional(),
  oomKilled: t.boolean().describe('Whether the last run was ended for its use of memory.').optional(),
  attempt: t.integer().describe('Counts the placements on a node, from 0.').optional(),
  restarts: t.integer().describe('Counts the restarts in place.').optional(),
  address: t.string().describe('The address of the task on its network.').optional(),
  runtimeId: t.string().describe("The backend's own name for the current run.").optional(),
  evictionGracePeriodSeconds: t
    .integer()
    .describe("Seconds between the polite signal and the kill, where the eviction of the attempt says other than the task's own.")
    .with({ minimum: 0 })
    .optional(),
  gpus: t.set(t.integer()).describe('The indexes of the GPUs of its node that it has, given when it is bound.').optional(),
})

export const Task = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'Task',
  plural: 'tasks',
  shortNames: ['tk'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'One run of a container, virtual machine or process: to completion, or kept alive.',
  spec: TaskSpecSchema,
  status: TaskStatusSchema,
  subresources: ['status', 'binding', 'log', 'exec', 'attach', 'portforward', 'eviction'],
  conditions: ['Scheduled', 'Accepted', 'ImageReady', 'Running', 'Ready', 'Complete', 'DisruptionTarget'],
  columns: [
    { name: 'Phase', jsonPath: '.status.phase', description: 'Where the task is, in one word; Terminating while it is being deleted.' },
    { name: 'Exit', type: 'integer', jsonPath: '.status.exitCode', description: 'The exit code of the last run.' },
    { name: 'Restarts', type: 'integer', jsonPath: '.status.restarts', description: 'Restarts in place.' },
    { name: 'Node', jsonPath: '.spec.nodeName', description: 'The node that the task is bound to.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Image', jsonPath: '.spec.image', priority: 1, description: 'The container image.' },
    { name: 'Address', jsonPath: '.status.address', priority: 1, description: 'The address of the task.' },
    { name: 'Reason', jsonPath: '.status.conditions[-1:].reason', priority: 1, description: 'The reason of the newest condition.' },
  ],
  indexed: ['spec.nodeName'],
  selectable: ['status.phase'],
  workload: true,
  nameRule: 'label',
  validate: validateTask,
})
export type Task = Resource<typeof Task>
export type TaskManifest = Manifest<typeof Task>
export type TaskSpec = Output<typeof TaskSpecSchema>
export type TaskStatus = Output<typeof TaskStatusSchema>
export type TaskProbe = Output<typeof ProbeSchema>

/** The backend that runs the task: the one asked for, else docker when there is an image, else process. */
export function backendOf(spec: Pick<TaskSpec, 'backend' | 'image'>): 'docker' | 'qemu' | 'process' {
  return spec.backend ?? (spec.image ? 'docker' : 'process')
}
