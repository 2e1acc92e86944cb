/** The program of a user, as tests ask it for its rights and let it run. */
import { defineKind } from '../../lib/api/define-kind.js'
import { Task } from '../../lib/api/kinds/task.js'
import { t } from '../../lib/api/schema/t.js'
import { controller, isMain, run } from '../../lib/controller/index.js'

export const WarmPool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'WarmPool',
  plural: 'warmpools',
  scope: 'Namespaced',
  description: 'Tasks that wait.',
  spec: t.object({ size: t.integer().describe('How many wait.').default(1) }),
  conditions: ['Ready'],
})

const warmPool = controller({
  name: 'warm-pool',
  for: WarmPool,
  owns: [Task],
  async reconcile(pool, ctx) {
    for (let slot = 0; slot < pool.spec.size; slot++)
      await ctx.apply(Task, { metadata: { name: `${pool.metadata.name}-${slot}` }, spec: { command: ['sleep', '60'] } })
    ctx.condition('Ready', ctx.owned(Task).length === pool.spec.size, 'Counted')
  },
})

if (isMain(import.meta)) await run(warmPool)
