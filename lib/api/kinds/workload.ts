/**
 * What Task and Vps share: where they may run, what they ask for, how the scheduler and the agent see them.
 */
import { type Output, t } from '../schema/t.js'

export const ResourceListSchema = t.map(t.quantity())

export const resourceFields = {
  requests: ResourceListSchema.describe('What is reserved on the node: cpu, memory, millrace.dev/gpu. Default: the limits.').optional(),
  limits: ResourceListSchema.describe('What may be used at most. Memory is a hard cap; cpu is a share.').optional(),
} as const
export const ResourceRequirementsSchema = t.object(resourceFields)

export const TolerationSchema = t.object({
  key: t.string().describe('The taint key; empty matches every key with operator Exists.').optional(),
  operator: t.oneOf('Equal', 'Exists').describe('How the value is compared.').default('Equal'),
  value: t.string().describe('The taint value, for Equal.').optional(),
  effect: t.oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute').describe('The effect that is tolerated; unset tolerates all.').optional(),
  tolerationSeconds: t.integer().describe('How long a NoExecute taint is tolerated; unset means for ever.').optional(),
})
export type Toleration = Output<typeof TolerationSchema>

const NodeSelectorRequirementSchema = t.object({
  key: t.string().describe('The label key.'),
  operator: t.oneOf('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt').describe('How the label is compared.'),
  values: t.list(t.string()).describe('The values to compare with.').optional(),
})
export const NodeSelectorTermSchema = t.object({
  matchExpressions: t.list(NodeSelectorRequirementSchema).describe('Requirements on labels; all must hold.').optional(),
  matchFields: t.list(NodeSelectorRequirementSchema).describe('Requirements on fields (metadata.name); all must hold.').optional(),
})
export type NodeSelectorTerm = Output<typeof NodeSelectorTermSchema>

export const affinityFields = {
  nodeAffinity: t
    .object({
      requiredDuringSchedulingIgnoredDuringExecution: t
        .object({ nodeSelectorTerms: t.list(NodeSelectorTermSchema).describe('Terms; one must hold.') })
        .describe('The node must match.')
        .optional(),
      preferredDuringSchedulingIgnoredDuringExecution: t
        .list(
          t.object({
            weight: t.integer().with({ minimum: 1, maximum: 100 }).describe('How much a match counts, 1 to 100.'),
            preference: NodeSelectorTermSchema.describe('The node that is preferred.'),
          }),
        )
        .describe('The node should match.')
        .optional(),
    })
    .describe('Which nodes attract the workload.')
    .optional(),
} as const
export const AffinitySchema = t.object(affinityFields)

/** Placement fields of every workload's spec. */
export const placementFields = {
  nodeName: t.string().describe('The node that the workload is bound to; set by the binding, once.').optional(),
  nodeSelector: t.map(t.string()).describe('Labels that the node must have.').optional(),
  affinity: AffinitySchema.describe('Which nodes are required or preferred.').optional(),
  tolerations: t.list(TolerationSchema).describe('The taints that do not keep the workload away.').optional(),
  target: t
    .string()
    .describe('Shorthand NODE[:NUMA][::GPU,GPU]: the node, the NUMA node on it and the indexes of its GPUs.')
    .with({ maxLength: 512 })
    .optional(),
  priority: t.integer().describe('Higher is scheduled first.').with({ minimum: -1000000000, maximum: 1000000000 }).default(0),
} as const

export const PortSchema = t.object({
  name: t.string().describe('A name for the port, unique in the workload.').with({ maxLength: 15 }).optional(),
  port: t.integer().describe('The port that the workload listens on.').with({ minimum: 1, maximum: 65535 }),
  protocol: t.oneOf('TCP', 'UDP').describe('The protocol.').default('TCP'),
  hostPort: t
    .integer()
    .describe("The node's port that leads to it; taken by one workload at a time.")
    .with({ minimum: 1, maximum: 65535 })
    .optional(),
})

/** The finalizer that comes with the binding and that the agent removes when nothing of the workload is left on its node. */
export const nodeCleanupFinalizer = 'millrace.dev/node-cleanup'
