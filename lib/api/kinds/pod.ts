import { ConditionsSchema } from '../condition.js'
import { defineKind, type Kind, type Resource, type Subresource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { EnvFromSchema, EnvVarSchema, Task, VolumeMountSchema, VolumeSchema } from './task.js'
import { Vps } from './vps.js'
import { AffinitySchema, ResourceRequirementsSchema, TolerationSchema } from './workload.js'

const ContainerPortSchema = t.object({
  name: t.string().describe('The name of the port.').optional(),
  containerPort: t.integer().describe('The port that the container listens on.'),
  protocol: t.oneOf('TCP', 'UDP').describe('The protocol.').default('TCP'),
  hostPort: t.integer().describe("The node's port that leads to it.").optional(),
})

const ProbeSchema = t.object({
  exec: t
    .object({ command: t.list(t.string()).describe('The command; exit code 0 is success.') })
    .describe('Run a command in the container.')
    .optional(),
  httpGet: t
    .object({
      path: t.string().describe('The path.').optional(),
      port: t.integer().describe('The port.'),
      scheme: t.oneOf('HTTP', 'HTTPS').describe('The scheme.').optional(),
    })
    .describe('Ask over HTTP; 200 to 399 is success.')
    .optional(),
  tcpSocket: t
    .object({ port: t.integer().describe('The port.') })
    .describe('Open a TCP connection.')
    .optional(),
  initialDelaySeconds: t.integer().describe('Seconds before the first probe.').optional(),
  periodSeconds: t.integer().describe('Seconds between probes.').optional(),
  timeoutSeconds: t.integer().describe('Seconds that a probe may take.').optional(),
  successThreshold: t.integer().describe('Successes in a row that count as healthy.').optional(),
  failureThreshold: t.integer().describe('Failures in a row that count as unhealthy.').optional(),
})

const ContainerSchema = t.object({
  name: t.string().describe('The name of the container: main.'),
  image: t.string().describe('The image; absent on the process backend.').optional(),
  imagePullPolicy: t.string().describe('When the image is pulled.').optional(),
  command: t.list(t.string()).describe('What is run.').optional(),
  args: t.list(t.string()).describe('Arguments of the command.').optional(),
  workingDir: t.string().describe('The directory to run in.').optional(),
  env: t.listMap(['name'], EnvVarSchema).describe('Environment variables.').optional(),
  envFrom: t.list(EnvFromSchema).describe('Objects whose keys all become environment variables.').optional(),
  ports: t.list(ContainerPortSchema).describe('Ports that the container listens on.').optional(),
  resources: ResourceRequirementsSchema.describe('What the container needs and may use.').default({}),
  volumeMounts: t.list(VolumeMountSchema).describe('Where the volumes appear.').optional(),
  startupProbe: ProbeSchema.describe('Success ends the start.').optional(),
  livenessProbe: ProbeSchema.describe('Failure ends the run.').optional(),
  readinessProbe: ProbeSchema.describe('Success makes the Pod Ready.').optional(),
  securityContext: t
    .object({ privileged: t.boolean().describe('All rights on the node.').optional() })
    .describe('What the container may do.')
    .optional(),
})

const TerminatedStateSchema = t.object({
  exitCode: t.integer().describe('The exit code.'),
  signal: t.integer().describe('The number of the signal that ended it.').optional(),
  reason: t.string().describe('How it ended, in CamelCase.').optional(),
  message: t.string().describe('How it ended, in words.').optional(),
  startedAt: t.time().describe('When it started.').optional(),
  finishedAt: t.time().describe('When it ended.').optional(),
  containerID: t.string().describe("The backend's name for the run.").optional(),
})
const ContainerStateSchema = t.object({
  waiting: t
    .object({
      reason: t.string().describe('What it waits for, in CamelCase.').optional(),
      message: t.string().describe('What it waits for, in words.').optional(),
    })
    .describe('It has not started, or waits to be started again.')
    .optional(),
  running: t
    .object({ startedAt: t.time().describe('When it started.').optional() })
    .describe('It runs.')
    .optional(),
  terminated: TerminatedStateSchema.describe('It has ended.').optional(),
})

const ContainerStatusSchema = t.object({
  name: t.string().describe('The name of the container.'),
  state: ContainerStateSchema.describe('How it is now.').optional(),
  lastState: ContainerStateSchema.describe('How the run before ended.').optional(),
  ready: t.boolean().describe('Whether it is ready.'),
  started: t.boolean().describe('Whether it has started.').optional(),
  restartCount: t.integer().describe('Restarts in place.'),
  image: t.string().describe('The image.'),
  imageID: t.string().describe('Not known: empty.'),
  containerID: t.string().describe("The backend's name for the current run.").optional(),
})

export const PodSpecSchema = t.object({
  containers: t.listMap(['name'], ContainerSchema).describe('The one container, main.'),
  volumes: t.listMap(['name'], VolumeSchema).describe('Directories and files given to the container.').optional(),
  restartPolicy: t.oneOf('Never', 'OnFailure', 'Always').describe('Whether the container is started again, in place, when it ends.'),
  terminationGracePeriodSeconds: t.integer().describe('Seconds between the polite signal and the kill.'),
  activeDeadlineSeconds: t.integer().describe('Seconds after which it is ended as failed.').optional(),
  nodeName: t.string().describe('The node that it is bound to.').optional(),
  nodeSelector: t.map(t.string()).describe('Labels that the node must have.').optional(),
  affinity: AffinitySchema.describe('Which nodes are required or preferred.').optional(),
  tolerations: t.list(TolerationSchema).describe('The taints that do not keep it away.').optional(),
  priority: t.integer().describe('Higher is scheduled first.').optional(),
})

export const PodStatusSchema = t.object({
  phase: t.oneOf('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown').describe('Where it is, in one word.'),
  conditions: ConditionsSchema.optional(),
  reason: t.string().describe('Why it is in this phase, in CamelCase.').optional(),
  message: t.string().describe('Why it is in this phase, in words.').optional(),
  startTime: t.time().describe('When the node took care of it first.').optional(),
  podIP: t.string().describe('Its address.').optional(),
  podIPs: t
    .listMap(['ip'], t.object({ ip: t.string().describe('An address.') }))
    .describe('Its addresses.')
    .optional(),
  containerStatuses: t.listMap(['name'], ContainerStatusSchema).describe('How the container is.').optional(),
  qosClass: t.oneOf('Guaranteed', 'Burstable', 'BestEffort').describe('What its requests and limits amount to.').optional(),
})

/** What is Task's alone: the Pod has no status to write, and is never bound. */
const taskOnly: readonly Subresource[] = ['status', 'binding']

/** What the name of a Vps's Pod begins with. Tasks are DNS labels: none begins so. */
export const vpsPodPrefix = 'vps.'

/** One attempt of a Task, or a Vps that runs, for clients that know Kubernetes' kinds alone. Computed on read; see apiserver/views. */
export const Pod = defineKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  scope: 'Namespaced',
  description:
    'One attempt of a Task, or a Vps that runs (vps.NAME), as clients see it that know only Kubernetes kinds: a view, which is not written. Create a Task or a Vps instead.',
  spec: PodSpecSchema,
  status: PodStatusSchema,
  viewOf: [Task as unknown as Kind, Vps as unknown as Kind],
  verbs: ['get', 'list', 'watch', 'delete', 'deletecollection'],
  subresources: Task.subresources.filter((name) => !taskOnly.includes(name)),
  columns: [
    { name: 'Ready', jsonPath: '.status.containerStatuses[0].ready', description: 'Ready containers of all.' },
    { name: 'Status', jsonPath: '.status.phase', description: 'How it is, in one word.' },
    {
      name: 'Restarts',
      jsonPath: '.status.containerStatuses[0].restartCount',
      description: 'Restarts in place, and when the last one was.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'IP', jsonPath: '.status.podIP', priority: 1, description: 'The address.' },
    { name: 'Node', jsonPath: '.spec.nodeName', priority: 1, description: 'The node that it is bound to.' },
    { name: 'Nominated Node', jsonPath: '.status.nominatedNodeName', priority: 1, description: 'Not used.' },
    { name: 'Readiness Gates', jsonPath: '.spec.readinessGates', priority: 1, description: 'Not used.' },
  ],
  indexed: ['spec.nodeName'],
  selectable: ['status.phase'],
  history: 'none',
})
export type Pod = Resource<typeof Pod>
export type PodSpec = Output<typeof PodSpecSchema>
export type PodStatus = Output<typeof PodStatusSchema>
export type Container = Output<typeof ContainerSchema>
export type ContainerState = Output<typeof ContainerStateSchema>
export type ContainerStatus = Output<typeof ContainerStatusSchema>
