import fc from 'fast-check'
import { expect, it } from 'vitest'
import { defineKind } from '../../api/define-kind.js'
import { Task } from '../../api/kinds/task.js'
import { t } from '../../api/schema/t.js'
import { type Controller, controller } from '../../controller/controller.js'
import type { TestCluster } from '../test-cluster.js'
import { type ConvergencePlan, checkConvergence } from './check-convergence.js'

const Pool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'Idle slots.',
  spec: t.object({ size: t.integer().describe('How many slots.') }),
  status: t.object({ slots: t.integer().describe('How many there are.').optional() }),
})

const command = ['true']
const slotName = (pool: { metadata: { name: string } }, slot: number) => `${pool.metadata.name}-${slot}`

const right = controller({
  for: Pool,
  owns: [Task],
  async reconcile(pool, ctx) {
    for (let slot = 0; slot < pool.spec.size; slot++) await ctx.apply(Task, { metadata: { name: slotName(pool, slot) }, spec: { command } })
    await ctx.prune(Task)
    pool.status.slots = pool.spec.size
  },
})

/** Counts what it sees and makes the rest: after an answer that was lost, it does so twice. */
const actsTwice = controller({
  for: Pool,
  owns: [Task],
  async reconcile(pool, ctx) {
    for (let slots = ctx.owned(Task).length; slots < pool.spec.size; slots++)
      await ctx.client.of(Task).create({
        metadata: {
          generateName: `${pool.metadata.name}-`,
          namespace: 'default',
          ownerReferences: [
            { apiVersion: Pool.apiVersion, kind: Pool.kind, name: pool.metadata.name, uid: pool.metadata.uid, controller: true },
          ],
        },
        spec: { command },
      })
  },
})

/** Does not hear of slots that go: only being started again helps. */
const forgetsAnEvent = controller({
  for: Pool,
  rights: [{ apiGroups: ['millrace.dev'], resources: ['tasks'], verbs: ['create', 'patch'] }],
  async reconcile(pool, ctx) {
    for (let slot = 0; slot < pool.spec.size; slot++)
      await ctx.client
        .of(Task)
        .apply({ metadata: { name: slotName(pool, slot), namespace: 'default' }, spec: { command } }, { fieldManager: 'pool', force: true })
  },
})

/** Notes that it has made the slots before it makes them: what dies between the two leaves them unmade for ever. */
const notesTooEarly = controller({
  for: Pool,
  owns: [Task],
  async reconcile(pool, ctx) {
    if (pool.status.slots === pool.spec.size) return
    await ctx.client.of(Pool).mergePatch(pool.metadata, { status: { slots: pool.spec.size } }, { subresource: 'status' })
    for (let slot = 0; slot < pool.spec.size; slot++) await ctx.apply(Task, { metadata: { name: slotName(pool, slot) }, spec: { command } })
  },
})

/** What its first life remembers is lost with it. */
function remembersInVain(): readonly Controller[] {
  const made = new Set<string>()
  return [
    controller({
      for: Pool,
      owns: [Task],
      async reconcile(pool, ctx) {
        for (let slot = 0; slot < pool.spec.size; slot++) {
          const name = slotName(pool, slot)
          if (!made.has(name)) await ctx.client.of(Task).create({ metadata: { name, namespace: 'default' }, spec: { command } })
          made.add(name)
        }
      },
    }),
  ]
}

const size = fc.integer({ min: 1, max: 2 })
const create = {
  input: fc.record({ size }),
  run: ({ client }: TestCluster, { size }: { size: number }) => client.of(Pool).create({ metadata: { name: 'a' }, spec: { size } }),
}
const resize = {
  input: fc.record({ size: fc.nat(2) }),
  run: ({ client }: TestCluster, { size }: { size: number }) => client.of(Pool).mergePatch({ name: 'a' }, { spec: { size } }),
}
const loseSlot = {
  input: fc.record({ slot: fc.nat(1) }),
  run: ({ client }: TestCluster, { slot }: { slot: number }) => client.of(Task).delete({ name: `a-${slot}` }),
}

it('a right controller ends where it should, whatever happens on the way', async () => {
  await checkConvergence({
    controllers: [right],
    actions: { create, resize, loseSlot },
    invariant: ({ list }) => expect(list(Task).length).toBeLessThanOrEqual(2),
    runs: 12,
  })
})

const failureOf = (plan: ConvergencePlan<object>) =>
  checkConvergence({ runs: 150, length: 8, ...plan }).then(
    () => 'nothing was found',
    ({ message }: Error) => message,
  )

it.each([
  [
    'acts twice on what it saw before',
    { controllers: [actsTwice], actions: { create } },
    /Task default\/a-\*: there are \d; undisturbed, (is|are)/,
  ],
  [
    'does not hear of an event',
    { controllers: [forgetsAnEvent], kinds: [Task], actions: { create, loseSlot } },
    /Task default\/a-\d: there is one; undisturbed, is none/,
  ],
  [
    'relies on its memory',
    { controllers: remembersInVain, actions: { create } },
    /pass of pool over Pool default\/a has come back .*already exists/,
  ],
  [
    'is wrong on the way alone',
    { controllers: [right], actions: { create }, invariant: ({ list }) => expect(list(Task).length).toBeLessThan(2) },
    /at revision \d+ \(ADDED tasks default\/a-1\): expected 2 to be less than 2/,
  ],
] satisfies [string, ConvergencePlan<object>, RegExp][])('a controller that %s is found', async (_name, plan, expected) => {
  expect(await failureOf(plan)).toMatch(expected)
})

it('one that cannot go on where it was cut off is found, in the fewest steps, and again by its seed and path', async () => {
  const plan = { controllers: [notesTooEarly], actions: { create } }
  const message = await failureOf(plan)
  const [, steps = '', seed, path = ''] = /way:\n(.*)\nTask .*seed: (-?\d+), path: '(.*)'/s.exec(message) ?? []
  expect(steps.split('\n').length).toBeLessThanOrEqual(3)
  expect(steps).toMatch(/create {"size":\d}/)
  expect(message).toMatch(/Task default\/a-\d: there is none; undisturbed, is one/)
  const again = await failureOf({ ...plan, seed: Number(seed), path })
  expect(again).toContain('undisturbed, is one')
})

it('says what to install when fast-check is not there', async () => {
  const missing = () => Promise.reject(new Error('Cannot find package'))
  await expect(checkConvergence({ controllers: [right], actions: { create } }, missing)).rejects.toThrow(
    'npm install --save-dev fast-check',
  )
})
