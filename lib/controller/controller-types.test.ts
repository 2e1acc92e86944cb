/**
 * What the compiler catches in a controller before it runs. Nothing here is run:
 * `tsc` reads it, and fails where an error is expected and none is.
 */
import { expect, it } from 'vitest'
import { defineKind } from '../api/define-kind.js'
import { Secret } from '../api/kinds/secret.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
import { controller } from './controller.js'
import { watch } from './watch.js'

const Pool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'Slots.',
  spec: t.object({ size: t.integer().describe('How many.').default(1), color: t.oneOf('red', 'blue').describe('Which.').optional() }),
  status: t.object({ made: t.integer().describe('How many there are.').optional() }),
  conditions: ['Ready', 'Full'],
})

it('catches wrong fields, values, conditions and times', () => {
  const right = controller({
    for: Pool,
    owns: [Task],
    watches: [watch(Secret, (secret, cache) => cache.list(Pool, secret.metadata.namespace).map(({ metadata }) => metadata))],
    async reconcile(pool, ctx) {
      const size: number = pool.spec.size
      await ctx.apply(Task, { metadata: { name: `${pool.metadata.name}-0` }, spec: { command: ['true'], restartPolicy: 'Never' } })
      pool.status.made = size
      ctx.condition('Ready', true, 'Made')
      return { requeueAfter: '30s' }
    },
  })
  expect(right.name).toBe('pool')

  controller({
    for: Pool,
    async reconcile(pool, ctx) {
      // @ts-expect-error: no such field of the spec
      void pool.spec.sise
      // @ts-expect-error: no such value of the field
      if (pool.spec.color === 'green') return
      // @ts-expect-error: a text where a number belongs
      pool.status.made = 'two'
      // @ts-expect-error: no such field of the status
      pool.status.maid = 2
      // @ts-expect-error: no such condition is declared
      ctx.condition('Reddy', true, 'Made')
      // @ts-expect-error: a condition is true, false or 'Unknown'
      ctx.condition('Ready', 'Yes', 'Made')
      // @ts-expect-error: a Task has no such field
      await ctx.apply(Task, { metadata: { name: 'a' }, spec: { comand: ['true'] } })
      // @ts-expect-error: no such value of the field
      await ctx.apply(Task, { metadata: { name: 'a' }, spec: { restartPolicy: 'Nevr' } })
      // @ts-expect-error: an object has a name
      await ctx.apply(Task, { spec: { command: ['true'] } })
      // @ts-expect-error: what is owned are Tasks
      void ctx.owned(Task)[0]?.spec.size
    },
  })

  controller({
    for: Pool,
    // @ts-expect-error: a time has a unit
    async reconcile() {
      return { requeueAfter: '30 seconds' }
    },
  })

  controller({
    for: Pool,
    // @ts-expect-error: no such word in a declaration
    reconsile: async () => {},
    async reconcile() {},
  })

  // @ts-expect-error: a controller has a pass
  controller({ for: Pool })

  // @ts-expect-error: Secrets have no spec
  watch(Secret, (secret) => [{ name: secret.spec }])
})
