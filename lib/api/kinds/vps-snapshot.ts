import { forbiddenField, type StatusCause } from '../api-error.js'
import { ConditionsSchema } from '../condition.js'
import { defineKind, type KubeObject, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'

/** On snapshots that the policy of their Vps asked for: `schedule` or `stop`. Only these are deleted when there are more than it keeps. */
export const snapshotCauseLabel = 'millrace.dev/snapshot-cause'
/** On those of a schedule: the time that they are for, RFC 3339. */
export const snapshotTimeAnnotation = 'millrace.dev/scheduled-time'

export const VpsSnapshotSpecSchema = t.object({
  vpsName: t.string().describe('The Vps of the same namespace whose disk it is a copy of.').with({ minLength: 1, maxLength: 63 }),
  message: t.string().describe('What people want to remember of it.').with({ maxLength: 1024 }).optional(),
  nodeName: t.string().describe('The node that it lies on: that of the Vps. Set by the server.').optional(),
})

export const snapshotPhases = ['Pending', 'Creating', 'Ready', 'Failed'] as const
export type SnapshotPhase = (typeof snapshotPhases)[number]

export const VpsSnapshotStatusSchema = t.object({
  phase: t
    .oneOf(...snapshotPhases)
    .describe('Where it is, in one word.')
    .optional(),
  conditions: ConditionsSchema.optional(),
  backend: t.oneOf('docker', 'qemu').describe('What the disk was of.').optional(),
  vpsUid: t.string().describe('The uid of the Vps.').optional(),
  image: t.string().describe('What the disk of the Vps began as.').optional(),
  takenAt: t.time().describe('The moment that it shows.').optional(),
  sizeBytes: t.integer().describe('How much it holds on its node.').optional(),
})

export const VpsSnapshot = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'VpsSnapshot',
  plural: 'vpssnapshots',
  shortNames: ['vsnap'],
  scope: 'Namespaced',
  description: "A copy of a Vps's disk, from which a Vps can be put back or made anew.",
  spec: VpsSnapshotSpecSchema,
  status: VpsSnapshotStatusSchema,
  subresources: ['status', 'content'],
  conditions: ['Ready'],
  columns: [
    { name: 'Vps', jsonPath: '.spec.vpsName', description: 'The Vps that it is of.' },
    { name: 'Phase', jsonPath: '.status.phase', description: 'Where it is, in one word.' },
    { name: 'Size', jsonPath: '.status.sizeBytes', description: 'How much it holds on its node.' },
    { name: 'Node', jsonPath: '.spec.nodeName', description: 'The node that it lies on.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Message', jsonPath: '.spec.message', priority: 1, description: 'What people want to remember of it.' },
  ],
  indexed: ['spec.nodeName', 'spec.vpsName'],
  selectable: ['status.phase'],
  validate: validateVpsSnapshot,
})
export type VpsSnapshot = Resource<typeof VpsSnapshot>
export type VpsSnapshotManifest = Manifest<typeof VpsSnapshot>
export type VpsSnapshotStatus = Output<typeof VpsSnapshotStatusSchema>

/** A snapshot stays what it is; only what is said of it may change. */
function validateVpsSnapshot({ spec }: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const [now, before] = [spec, old?.spec] as (Output<typeof VpsSnapshotSpecSchema> | undefined)[]
  return (['vpsName', 'nodeName'] as const)
    .filter((field) => before?.[field] !== undefined && now?.[field] !== before[field])
    .map((field) => forbiddenField(`spec.${field}`, 'may not be changed; only message may'))
}
