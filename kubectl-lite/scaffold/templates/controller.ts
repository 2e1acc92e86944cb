/** What a MyPool is, and the controller that brings it about. */
import { defineKind, isConditionTrue, Task, t } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

export const MyPool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'MyPool',
  plural: 'mypools',
  scope: 'Namespaced',
  description: 'Tasks that are all alike.',
  spec: t.object({ size: t.integer().with({ minimum: 0 }).default(1).describe('How many Tasks there shall be.') }),
  status: t.object({ running: t.integer().optional().describe('How many of them run.') }).optional(),
  conditions: ['Ready'],
  columns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Running', type: 'integer', jsonPath: '.status.running' },
  ],
})

export const myPoolController = controller({
  name: 'my-pool',
  for: MyPool,
  owns: [Task],
  async reconcile({ metadata, spec, status }, ctx) {
    for (let slot = 0; slot < spec.size; slot++)
      await ctx.apply(Task, { metadata: { name: `${metadata.name}-${slot}` }, spec: { command: ['sleep', 'infinity'] } })
    await ctx.prune(Task)
    status.running = ctx.owned(Task).filter((task) => isConditionTrue(task, 'Running')).length
    ctx.condition('Ready', status.running === spec.size, 'Counted', `${status.running} of ${spec.size} Tasks run`)
  },
})

if (isMain(import.meta)) await run(myPoolController)
