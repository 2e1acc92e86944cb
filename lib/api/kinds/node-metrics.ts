import { defineKind, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'
import { usageFields } from './usage-fields.js'

const GpuMetricsSchema = t.object({
  index: t.integer().describe('The index on the node.'),
  utilization: t.number().describe('How busy it is, in percent.').optional(),
  memory: t.quantity().describe('How much of its memory is used.').optional(),
  memoryTotal: t.quantity().describe('How much memory it has.').optional(),
  celsius: t.number().describe('How hot it is.').optional(),
})

/** What metrics.k8s.io says of a node, and beside that what the agent sees of the machine. */
export const NodeMetrics = defineKind({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: 'nodemetrics',
  scope: 'Cluster',
  description: 'How loaded a node is, asked of its agent when somebody asks. A node whose agent does not answer is not in the list.',
  fields: {
    ...usageFields('What it uses: cpu, memory, and ephemeral-storage.'),
    load: t
      .list(t.number())
      .describe('How many processes were ready to run, on the average of the last minute, five and fifteen.')
      .optional(),
    temperatures: t
      .listMap(
        ['sensor'],
        t.object({
          sensor: t.string().describe('What is measured.'),
          celsius: t.number().describe('How hot it is.'),
        }),
      )
      .describe('What its sensors say.')
      .optional(),
    gpus: t.listMap(['index'], GpuMetricsSchema).describe('How loaded its GPUs are.').optional(),
  },
  measured: true,
  verbs: ['get', 'list'],
  columns: [
    { name: 'CPU', jsonPath: '.usage.cpu', description: 'Cores, on the average of the window.' },
    { name: 'Memory', jsonPath: '.usage.memory', description: 'Memory in use.' },
    { name: 'Window', jsonPath: '.window', description: 'How long the CPU was watched.' },
  ],
  history: 'none',
})
export type NodeMetrics = Resource<typeof NodeMetrics>
