/** Lesson 2: a WarmPool keeps Tasks running, as many as it says. */
import { defineKind, isConditionTrue, Task, t } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

export const WarmPool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'WarmPool',
  plural: 'warmpools',
  scope: 'Namespaced',
  description: 'Tasks that wait for work.',
  spec: t.object({
    size: t.integer().describe('How many there shall be.').with({ minimum: 0, maximum: 100 }),
    command: t.list(t.string()).describe('What each of them runs.'),
  }),
  status: t.object({ ready: t.integer().describe('How many are ready.') }),
  conditions: ['Ready'],
})

export const warmPool = controller({
  for: WarmPool,
  owns: [Task],
  async reconcile(pool, ctx) {
    const { size, command } = pool.spec
    for (let slot = 0; slot < size; slot++)
      await ctx.apply(Task, {
        metadata: { name: `${pool.metadata.name}-${slot}` },
        spec: { backend: 'process', command, restartPolicy: 'Always', terminationGracePeriodSeconds: 1 },
      })
    await ctx.prune(Task)
    const ready = ctx.owned(Task).filter((task) => isConditionTrue(task, 'Ready')).length
    pool.status.ready = ready
    ctx.condition('Ready', ready === size, ready === size ? 'AllReady' : 'SomeMissing', `${ready} of ${size} are ready`)
  },
})

if (isMain(import.meta)) await run(warmPool)
