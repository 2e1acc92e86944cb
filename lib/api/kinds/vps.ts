import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { validateVps } from './vps-validation.js'
import { PortSchema, placementFields, ResourceRequirementsSchema } from './workload.js'

export const VpsSpecSchema = t.object({
  backend: t.oneOf('docker', 'qemu').describe('What it is: a container that stays, or a virtual machine.').default('docker'),
  image: t
    .string()
    .describe(
      "What its disk begins as. docker: a container image. qemu: the name of a disk image in the node's image directory, or an https:// or file:// address of one (file:// in privileged namespaces alone).",
    )
    .with({ minLength: 1, maxLength: 1024 }),
  imageChecksum: t
    .string()
    .describe('sha256:… or sha512:… of the disk image, compared before its first use. Required for an https:// address; qemu alone.')
    .with({ maxLength: 256 })
    .optional(),
  imagePullPolicy: t
    .oneOf('Always', 'IfNotPresent', 'Never')
    .describe('When a container image is pulled. Default: Always for the tag latest, else IfNotPresent.')
    .optional(),
  running: t
    .boolean()
    .describe('Whether it runs. Stopped, it keeps its node, disk, keys and address, and frees CPU and memory.')
    .default(true),
  resources: ResourceRequirementsSchema.describe(
    'What it needs and may use. A change takes effect at once with docker, at the next start with qemu.',
  ).optional(),
  diskSize: t.quantity().describe('The size of its disk; it may grow. Default: that of the image. qemu alone.').optional(),
  firmware: t
    .oneOf('bios', 'uefi')
    .describe(
      'What boots its disk: bios for images that have a boot sector, uefi for those with an EFI partition alone. Default: bios. qemu alone.',
    )
    .optional(),
  ssh: t
    .object({
      mode: t.oneOf('disabled', 'keys', 'generate').describe('Who may log in: nobody, authorizedKeys, or they and a key made for it.'),
      authorizedKeys: t
        .list(t.string().with({ minLength: 1, maxLength: 16_384 }))
        .describe('Public keys, each as a line of authorized_keys without options.')
        .with({ maxItems: 100 })
        .optional(),
      secretName: t
        .string()
        .describe('The Secret that the made key is kept in. Default: the name of the Vps and "-ssh". Mode generate alone.')
        .with({ maxLength: 253 })
        .optional(),
    })
    .describe('Who may log in by SSH, at the gateway: ssh -p PORT NAME.NAMESPACE@GATEWAY.')
    .default({ mode: 'disabled' }),
  userData: t
    .string()
    .describe('What cloud-init does at the first boot: #cloud-config, a script (#!), or another of its formats. qemu alone.')
    .with({ maxLength: 65_536 })
    .optional(),
  command: t
    .list(t.string())
    .describe('What the container runs as its first process. Default: one that waits until it is stopped. docker alone.')
    .optional(),
  privileged: t
    .boolean()
    .describe('All rights on the node. Only in namespaces labelled millrace.dev/security=privileged; docker alone.')
    .default(false),
  terminationGracePeriodSeconds: t.integer().describe('Seconds between the polite end and the kill.').with({ minimum: 0 }).default(30),
  snapshotPolicy: t
    .object({
      keep: t
        .integer()
        .describe('How many snapshots of the policy stay; older ones are deleted.')
        .with({ minimum: 1, maximum: 100 })
        .default(3),
      onStop: t.boolean().describe('Whether one is taken at each stop.').default(false),
      schedule: t.string().describe('When one is taken, as cron has it: 0 3 * * *.').with({ maxLength: 256 }).optional(),
      timeZone: t.string().describe('The time zone of the schedule. Default: UTC.').with({ maxLength: 64 }).optional(),
    })
    .describe('Snapshots that are taken by themselves.')
    .optional(),
  restoreFrom: t
    .object({
      name: t.string().describe('A VpsSnapshot of the same namespace.').with({ minLength: 1, maxLength: 253 }),
      request: t.string().describe('Any text; a change restores the same snapshot again.').with({ maxLength: 64 }).optional(),
    })
    .describe('The snapshot that its disk is made of. A change on a Vps that has a disk puts the disk back as it was then.')
    .optional(),
  addressClaim: t
    .string()
    .describe('An IPClaim of the same namespace whose address it gets. Default: one is made for it.')
    .with({ maxLength: 253 })
    .optional(),
  ...placementFields,
  ports: t.list(PortSchema).describe('Ports that it listens on.').optional(),
})

/** Phases, each derived from the conditions. */
export const vpsPhases = ['Pending', 'Provisioning', 'Running', 'Stopped', 'Failed', 'Unknown'] as const
export type VpsPhase = (typeof vpsPhases)[number]

export const VpsStatusSchema = t.object({
  phase: t
    .oneOf(...vpsPhases)
    .describe('Where it is, in one word.')
    .optional(),
  conditions: ConditionsSchema.optional(),
  observedGeneration: t.integer().describe('The generation that the agent has acted on.').optional(),
  startedAt: t.time().describe('When it was last started.').optional(),
  stoppedAt: t.time().describe('When it last ended.').optional(),
  starts: t.integer().describe('How often it was started.').optional(),
  address: t.string().describe('Its address on the network of its node.').optional(),
  runtimeId: t.string().describe("The backend's own name for it.").optional(),
  gpus: t.set(t.integer()).describe('The indexes of the GPUs of its node that it has, given when it is bound.').optional(),
  resources: t
    .map(t.quantity())
    .describe('The cpu and memory that it runs with; they differ from the spec until its next start.')
    .optional(),
  sshPublicKey: t.string().describe('The public key that was made for it, in mode generate.').optional(),
  sshHostKey: t.string().describe('The host key that an SSH client sees, as a line of known_hosts has it.').optional(),
  sshCommand: t.string().describe('How to log in.').optional(),
  snapshots: t
    .object({
      lastScheduleTime: t.time().describe('The time of the schedule for which one was last taken.').optional(),
      nextScheduleTime: t.time().describe('The time for which one is taken next.').optional(),
      lastStop: t.integer().describe('The number of the start (status.starts) after whose end one was last taken.').optional(),
    })
    .describe('What the snapshot policy has done.')
    .optional(),
  restoredFrom: t
    .object({ name: t.string().describe('The snapshot.'), request: t.string().describe('The request.').optional() })
    .describe('What its disk was last restored from.')
    .optional(),
})

export const Vps = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'Vps',
  plural: 'vpses',
  singular: 'vps',
  categories: ['all'],
  scope: 'Namespaced',
  description: 'A long-running machine that people live in, container or virtual machine, with SSH, a disk and snapshots.',
  spec: VpsSpecSchema,
  status: VpsStatusSchema,
  subresources: ['status', 'binding', 'eviction', 'log', 'exec', 'attach', 'portforward', 'console'],
  conditions: [
    'Scheduled',
    'Accepted',
    'ImageReady',
    'DiskReady',
    'Running',
    'Ready',
    'ResizePending',
    'Restored',
    'SnapshotsTaken',
    'KeyReady',
  ],
  columns: [
    { name: 'Phase', jsonPath: '.status.phase', description: 'Where it is, in one word; Terminating while it is being deleted.' },
    { name: 'Backend', jsonPath: '.spec.backend', description: 'Container or virtual machine.' },
    { name: 'Address', jsonPath: '.status.address', description: 'Its address on the network of its node.' },
    { name: 'Node', jsonPath: '.spec.nodeName', description: 'The node that it is bound to.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Image', jsonPath: '.spec.image', priority: 1, description: 'What its disk began as.' },
    { name: 'SSH', jsonPath: '.status.sshCommand', priority: 1, description: 'How to log in.' },
  ],
  indexed: ['spec.nodeName'],
  selectable: ['status.phase'],
  workload: true,
  nameRule: 'label',
  validate: validateVps,
})
export type Vps = Resource<typeof Vps>
export type VpsManifest = Manifest<typeof Vps>
export type VpsSpec = Output<typeof VpsSpecSchema>
export type VpsStatus = Output<typeof VpsStatusSchema>
