import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { defineKind } from '../api/define-kind.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Task } from '../api/kinds/task.js'
import { controller } from '../controller/controller.js'
import type { FailureForm } from './failure.js'
import { WarmPool, warmPool } from './fixtures/warm-pool.js'
import { type TestCluster, testCluster } from './test-cluster.js'

const addPool = (cluster: TestCluster, size = 2) => cluster.client.of(WarmPool).create({ metadata: { name: 'a' }, spec: { size } })
const slots = (cluster: TestCluster) =>
  cluster
    .snapshot()
    .list(Task)
    .map(({ metadata }) => metadata.name)
const uids = (cluster: TestCluster) =>
  cluster
    .snapshot()
    .list(Task)
    .map(({ metadata }) => metadata.uid)

describe('settling', () => {
  it('ends when all is done, and asks for nothing more of a cluster in which nothing changes', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    await addPool(cluster)
    await cluster.settle()
    const { revision } = cluster.snapshot()
    await cluster.settle()
    cluster.restart()
    await cluster.settle()
    expect([slots(cluster), cluster.snapshot().revision]).toEqual([['a-0', 'a-1'], revision])
  })

  it('leaves what waits for a time to advance, which lets each moment come', async () => {
    const ticking = controller({
      for: WarmPool,
      async reconcile({ metadata, status }, ctx) {
        status.slots = Math.floor((ctx.clock.now() - Date.parse(metadata.creationTimestamp)) / 10_000)
        return { requeueAfter: '10s' }
      },
    })
    await using cluster = await testCluster({ controllers: [ticking] })
    const seen = new Set<number | undefined>()
    cluster.always(({ get }) => seen.add(get(WarmPool, { name: 'a' })?.status?.slots))
    await addPool(cluster)
    await cluster.settle()
    expect([...seen]).toEqual([undefined, 0])
    await cluster.advance('35s')
    expect([...seen]).toEqual([undefined, 0, 1, 2, 3])
    expect(cluster.clock.monotonic()).toBe(35_000)
  })

  it.each([
    [
      'changes something each time',
      controller({
        for: WarmPool,
        async reconcile({ status }) {
          status.slots = (status.slots ?? 0) + 1
        },
      }),
      /the pass of warmpool over WarmPool default\/a has come back 500 times, and there is no end to it: the last change was MODIFIED warmpools default\/a/,
    ],
    [
      'fails each time',
      controller({ for: WarmPool, reconcile: () => Promise.reject(new Error('no luck')) }),
      /over WarmPool default\/a has come back 10\d times, and there is no end to it: the last pass failed: no luck/,
    ],
  ])('rejects when a pass %s', async (_name, endless, sentence) => {
    await using cluster = await testCluster({ controllers: [endless] })
    await addPool(cluster)
    await expect(cluster.settle()).rejects.toThrow(sentence)
  })

  it('rejects at once where it cannot come', async () => {
    await using without = await testCluster()
    await expect(without.settle()).rejects.toThrow('are not running')
    await using cluster = await testCluster({ controllers: [warmPool] })
    await cluster.settle()
    cluster.holdWatches()
    await addPool(cluster)
    await expect(cluster.settle()).rejects.toThrow('the watches are held back')
  })

  it('rejects with what an invariant says', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    cluster.always(({ list }) => expect(list(Task).length).toBeLessThan(2))
    await addPool(cluster)
    await expect(cluster.settle()).rejects.toThrow(/at revision \d+ \(ADDED tasks default\/a-1\): expected 2 to be less than 2/)
  })
})

describe('a failure of the request that makes a Task', () => {
  it.each<[FailureForm, string[]]>([
    ['ServiceUnavailable', []],
    ['TooManyRequests', []],
    ['Conflict', []],
    ['Forbidden', []],
    ['connection lost before', []],
    ['connection lost after', ['a-0']],
    ['crash before', []],
    ['crash after', ['a-0']],
  ])('%s: what is there then, and how it ends', async (form, then) => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    await cluster.settle()
    const failure = cluster.fail({ verb: 'apply', kind: Task, name: 'a-0', with: form })
    cluster.fail({ verb: 'apply', kind: Task, times: Number.POSITIVE_INFINITY, with: 'Forbidden' })
    await addPool(cluster)
    await expect(cluster.settle()).rejects.toThrow('the last pass failed: the test lets apply tasks default/a-')
    expect([failure.hits, slots(cluster)]).toEqual([1, then])
    const made = uids(cluster)
    cluster.clearFailures()
    await cluster.settle()
    expect(slots(cluster)).toEqual(['a-0', 'a-1'])
    expect(uids(cluster)).toEqual(expect.arrayContaining(made))
  })

  it('may last: whatever can be done after it is done', async () => {
    await using cluster = await testCluster({ controllers: [{ ...warmPool, workers: 1 }] })
    cluster.fail({ verb: 'apply', times: 20, with: 'connection lost before' })
    await addPool(cluster)
    await cluster.settle()
    expect(slots(cluster)).toEqual(['a-0', 'a-1'])
  })

  it('hits the requests that it says, and no more once it is taken back', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    const later = cluster.fail({ verb: 'apply', after: 1, times: 2, with: 'ServiceUnavailable' })
    const never = cluster.fail({ verb: 'apply', with: 'ServiceUnavailable' })
    never.cancel()
    const other = cluster.fail({ kind: Task, name: 'b', with: 'ServiceUnavailable' })
    await addPool(cluster)
    await cluster.settle()
    expect([later.hits, never.hits, other.hits]).toEqual([2, 0, 0])
  })
})

describe('controllers', () => {
  const readsConfigs = (more: object = {}) =>
    controller({
      for: WarmPool,
      ...more,
      async reconcile(pool, ctx) {
        pool.status.slots = (await ctx.client.of(ConfigMap).list({ namespace: 'default' })).items.length
      },
    })
  const rights = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]

  it.each([
    ['what they declare', { controllers: [readsConfigs({ rights })] }],
    ['everything, if the test says so', { controllers: [readsConfigs()], rights: 'all' as const }],
    ['what they declare in their namespace', { controllers: [readsConfigs({ rights, namespace: 'default' })] }],
  ])('may do %s', async (_name, options) => {
    await using cluster = await testCluster(options)
    await addPool(cluster)
    await cluster.settle()
    expect(cluster.snapshot().get(WarmPool, { name: 'a' })?.status?.slots).toBe(0)
  })

  it('may do nothing else', async () => {
    await using cluster = await testCluster({ controllers: [readsConfigs()] })
    await addPool(cluster)
    await expect(cluster.settle()).rejects.toThrow(
      /the last pass failed: .*configmaps is forbidden: User "system:serviceaccount:default:controllers" cannot list/,
    )
  })

  it.each(['all', 'declared'] as const)('that cannot watch what they look after are told so (rights: %s)', async (rights) => {
    const other = controller({
      name: 'other',
      for: defineKind({ ...WarmPool, kind: 'ColdPool', plural: 'coldpools' }),
      reconcile: async () => {},
    })
    let lives = 0
    await using cluster = await testCluster({ controllers: () => [lives++ < 2 ? warmPool : other], rights })
    await cluster.settle()
    cluster.restart()
    await expect(cluster.settle()).rejects.toThrow(/do not settle: the watch .*coldpools.* is answered with 40[34], again and again/)
  })

  it('that were killed do nothing, and see afterwards what has happened', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    await addPool(cluster)
    await cluster.settle()
    cluster.kill()
    await cluster.client.of(Task).delete({ name: 'a-0' })
    await cluster.client.of(WarmPool).mergePatch({ name: 'a' }, { spec: { size: 3 } })
    await cluster.letWork(1)
    expect(slots(cluster)).toEqual(['a-1'])
    cluster.start()
    await cluster.settle()
    expect(slots(cluster)).toEqual(['a-0', 'a-1', 'a-2'])
  })

  it('that a function declares forget everything when they die', async () => {
    const lives: string[][] = []
    const declare = () => {
      const seen: string[] = []
      lives.push(seen)
      return [controller({ for: WarmPool, reconcile: async ({ metadata }) => void seen.push(metadata.name) })]
    }
    await using cluster = await testCluster({ controllers: declare })
    await addPool(cluster)
    await cluster.settle()
    const before = lives.length
    cluster.restart()
    await cluster.settle()
    expect(lives.length).toBe(before + 1)
    expect(lives.at(-1)).toEqual(['a'])
  })

  it('whose watches broke go on where they were', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    await addPool(cluster)
    await cluster.settle()
    cluster.breakWatches()
    await cluster.client.of(WarmPool).mergePatch({ name: 'a' }, { spec: { size: 1 } })
    await cluster.settle()
    expect(slots(cluster)).toEqual(['a-0'])
  })

  it('whose watches are held back work with what they know', async () => {
    await using cluster = await testCluster({ controllers: [warmPool] })
    await addPool(cluster)
    await cluster.settle()
    cluster.holdWatches()
    await cluster.client.of(WarmPool).mergePatch({ name: 'a' }, { spec: { size: 1 } })
    await cluster.letWork(1)
    expect(slots(cluster)).toEqual(['a-0', 'a-1'])
    cluster.releaseWatches()
    await cluster.settle()
    expect(slots(cluster)).toEqual(['a-0'])
  })
})

it('a controller that changes what all share is told so', async () => {
  const greedy = controller({
    name: 'greedy',
    for: WarmPool,
    owns: [Task],
    async reconcile(pool, ctx) {
      await ctx.apply(Task, { metadata: { name: pool.metadata.name }, spec: { command: ['true'] } })
      for (const task of ctx.owned(Task)) task.metadata.labels = { mine: 'yes' }
    },
  })
  await using cluster = await testCluster({ controllers: [greedy] })
  await addPool(cluster)
  await expect(cluster.settle()).rejects.toThrow(/not extensible|read only/)
})

it('node:test runs what vitest runs', async () => {
  const file = path.join(import.meta.dirname, 'fixtures/with-node-test.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--test', '--test-reporter', 'tap', file], {
    timeout: 110_000,
  })
  expect(stdout).toMatch(/# pass 1\n# fail 0/)
})
