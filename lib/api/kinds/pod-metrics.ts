import { defineKind, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'
import { usageField, windowFields } from './usage-fields.js'

/** What metrics.k8s.io says of a Task, or of a Vps as `vps.NAME`: of the Pod that they are seen as. */
export const PodMetrics = defineKind({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  singular: 'podmetrics',
  scope: 'Namespaced',
  description:
    'How much a running Task uses, or a running Vps (as vps.NAME), asked of its agent when somebody asks. What does not run, and what a node without an answer has, is not in the list.',
  fields: {
    ...windowFields,
    containers: t
      .listMap(
        ['name'],
        t.object({ name: t.string().describe('The name of the container.'), usage: usageField('What it uses: cpu and memory.') }),
      )
      .describe('Its one container.'),
  },
  measured: true,
  verbs: ['get', 'list'],
  columns: [
    { name: 'CPU', jsonPath: '.containers[0].usage.cpu', description: 'Cores, on the average of the window.' },
    { name: 'Memory', jsonPath: '.containers[0].usage.memory', description: 'Memory in use.' },
    { name: 'Window', jsonPath: '.window', description: 'How long the CPU was watched.' },
  ],
  history: 'none',
})
export type PodMetrics = Resource<typeof PodMetrics>
