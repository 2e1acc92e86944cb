import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findCondition } from '../api/condition.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Event } from '../api/kinds/event.js'
import { Secret } from '../api/kinds/secret.js'
import { Task } from '../api/kinds/task.js'
import { silentLogger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { startFlakyProxy } from '../client/test/flaky-proxy.js'
import { eventually } from '../testing/eventually.js'
import { quiet } from '../testing/quiet.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { type ControllerDeclaration, controller } from './controller.js'
import { type RunningControllers, startControllers } from './start-controllers.js'
import { TerminalError } from './terminal-error.js'
import { watch } from './watch.js'

let cluster: TestCluster
let client: Client
let stop: AbortController
let running: RunningControllers[]

beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
  stop = new AbortController()
  running = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running.map(({ finished }) => finished))
  await client.close()
  await cluster.close()
})

function start(declaration: Partial<ControllerDeclaration<typeof Task>>, asClient = client) {
  const declared = controller({ name: 'test', for: Task, async reconcile() {}, ...declaration })
  const started = startControllers([declared], { client: asClient, clock: cluster.clock, log: silentLogger }, stop.signal)
  running.push(started)
  return started
}
const inDefault = (name: string) => ({ namespace: 'default', name })
const createTask = (name: string) => client.of(Task).create({ metadata: inDefault(name), spec: { image: 'busybox' } })
const getTask = (name: string) => client.of(Task).get(inDefault(name))
const createConfig = (name: string, data: Record<string, string> = {}) => client.of(ConfigMap).create({ metadata: inDefault(name), data })
const newestRevision = async () => Number((await client.of(Task).list({ limit: 1 })).metadata.resourceVersion)

describe('a controller', () => {
  it('brings every object to where it should be, with one patch, and none when nothing differs', async () => {
    for (const name of ['a', 'b', 'c']) await createTask(name)
    const before = await newestRevision()
    const passes: string[] = []
    const started = start({
      async reconcile(task, ctx) {
        passes.push(task.metadata.name)
        ctx.condition('Ready', true, 'Marked', 'by the test')
        ctx.condition('Running', false, 'Marked')
        task.status.phase = 'Running'
      },
    })
    // One pass that writes and one that sees it, for each.
    await eventually(() => passes.length === 6 && started.isIdle())
    expect(await newestRevision()).toBe(before + 3)
    expect(findCondition(await getTask('a'), 'Ready')).toMatchObject({
      status: 'True',
      reason: 'Marked',
      message: 'by the test',
      observedGeneration: 1,
    })
  })

  it('does not decide on a copy that is older than its own last creation or deletion', async () => {
    const { metadata } = await createTask('a')
    const proxy = await startFlakyProxy(cluster.url)
    const slow = createClient({ ...cluster.admin, server: proxy.url })
    const ownerReferences = [{ apiVersion: Task.apiVersion, kind: 'Task', name: metadata.name, uid: metadata.uid, controller: true }]
    const decided: number[] = []
    let wanted = 1
    const started = start(
      {
        owns: [ConfigMap],
        async reconcile(_task, ctx) {
          const owned = ctx.owned(ConfigMap)
          decided.push(owned.length)
          proxy.stall()
          const [first] = owned
          if (owned.length < wanted)
            await ctx.client.of(ConfigMap).create({ metadata: { namespace: 'default', generateName: 'made-', ownerReferences }, data: {} })
          if (owned.length > wanted && first) await ctx.delete(ConfigMap, first)
          return { requeueAfter: '1s' }
        },
      },
      // Requests go the straight way; what the streams bring stands still after each pass.
      { ...client, stream: (path, receiver) => slow.stream(path, receiver) },
    )
    const made = async () =>
      (await client.of(ConfigMap).list({ namespace: 'default' })).items.filter((one) => one.metadata.ownerReferences).length
    const wake = async () => {
      await cluster.clock.advance(1_000)
      // Long enough for a pass that should not be.
      for (let turn = 0; turn < 20; turn++) await client.of(Task).get(inDefault('a'))
    }
    await eventually(async () => (await made()) === 1)
    await wake()
    expect(decided).toEqual([0])
    proxy.flow()
    await eventually(() => decided.length >= 2)
    wanted = 0
    await eventually(async () => {
      await wake()
      return (await made()) === 0
    })
    const before = decided.length
    await wake()
    expect(decided.length).toBe(before)
    proxy.flow()
    await eventually(() => decided.length > before && started.isIdle())
    expect(decided.at(-1)).toBe(0)
    proxy.flow()
    stop.abort()
    await started.finished
    await slow.close()
    await proxy.close()
  })

  it('refuses to write over what has changed since it looked, and decides anew', async () => {
    await createTask('a')
    let passes = 0
    start({
      retries: { random: () => 0 },
      async reconcile(task, ctx) {
        if (passes++ === 0) await client.of(Task).mergePatch(task.metadata, { metadata: { annotations: { by: 'another' } } })
        ctx.condition('Ready', true, 'Seen', task.metadata.annotations?.by ?? 'nothing')
      },
    })
    await eventually(async () => {
      await cluster.clock.advance(100)
      return findCondition(await getTask('a'), 'Ready')?.message === 'another'
    })
  })

  it('comes back after a failure, later each time, when it asked to, and says so', async () => {
    await createTask('a')
    const at: number[] = []
    start({
      retries: { random: () => 1 },
      async reconcile() {
        at.push(cluster.clock.monotonic())
        if (at.length <= 3) throw new Error('not yet')
        return at.length === 4 ? { requeueAfter: '1m' } : undefined
      },
    })
    await eventually(() => at.length === 1)
    for (let passes = 1; passes < 5; passes++)
      await eventually(async () => {
        await cluster.clock.advance(passes < 4 ? 1 : 10_000)
        return at.length > passes
      })
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(pauses.slice(0, 3)).toEqual([5, 10, 20])
    expect(pauses[3]).toBe(60_000)
    await eventually(async () =>
      expect((await client.of(Event).list()).items).toMatchObject([
        { reason: 'ReconcileFailed', message: 'not yet', source: { component: 'test' } },
      ]),
    )
  })

  it('leaves an object alone after a terminal error until something changes, and its status is written', async () => {
    await createTask('a')
    let passes = 0
    const started = start({
      async reconcile(_task, ctx) {
        passes++
        ctx.condition('Ready', false, 'BadImage')
        throw new TerminalError('BadImage', 'there is no such image')
      },
    })
    await eventually(() => passes === 2 && started.isIdle())
    await cluster.clock.advance(3_600_000)
    expect(passes).toBe(2)
    expect(findCondition(await getTask('a'), 'Ready')?.reason).toBe('BadImage')
    await client.of(Task).mergePatch(inDefault('a'), { metadata: { labels: { changed: 'yes' } } })
    await eventually(() => passes === 3)
    await eventually(async () => expect((await client.of(Event).list()).items[0]).toMatchObject({ reason: 'BadImage', type: 'Warning' }))
  })

  it('holds a deletion by its finalizer until finalize has done its work, and reconciles nothing that goes', async () => {
    const calls: string[] = []
    let released = false
    start({
      async reconcile() {
        calls.push('reconcile')
      },
      async finalize(_task, ctx) {
        calls.push('finalize')
        ctx.condition('Ready', false, 'Cleaning')
        return released ? undefined : { requeueAfter: '1s' }
      },
    })
    await createTask('a')
    await eventually(async () => (await getTask('a')).metadata.finalizers?.includes('millrace.dev/test') ?? false)
    await client.of(Task).delete(inDefault('a'))
    await eventually(() => calls.includes('finalize'))
    const reconciled = calls.filter((call) => call === 'reconcile').length
    expect((await getTask('a')).metadata.deletionTimestamp).toBeDefined()
    released = true
    await eventually(async () => {
      await cluster.clock.advance(1_000)
      return (await client.of(Task).list()).items.length === 0
    })
    expect(calls.filter((call) => call === 'reconcile')).toHaveLength(reconciled)
  })

  it('makes what it owns, keeps it so, and prunes what it does not apply any more', async () => {
    await createTask('a')
    let names = ['x', 'y']
    const started = start({
      owns: [ConfigMap],
      async reconcile(task, ctx) {
        for (const name of names) await ctx.apply(ConfigMap, { metadata: { name: `${task.metadata.name}-${name}` }, data: { name } })
        await ctx.prune(ConfigMap)
      },
    })
    const made = async () =>
      (await client.of(ConfigMap).list({ namespace: 'default' })).items
        .filter(({ metadata }) => metadata.ownerReferences)
        .map(({ metadata, data }) => [metadata.name, data])
    const both = [
      ['a-x', { name: 'x' }],
      ['a-y', { name: 'y' }],
    ]
    await eventually(async () => expect(await made()).toEqual(both))
    await client.of(ConfigMap).mergePatch(inDefault('a-x'), { data: { name: 'changed' } })
    await client.of(ConfigMap).delete(inDefault('a-y'))
    await eventually(async () => expect(await made()).toEqual(both))
    await eventually(() => started.isIdle())
    const settled = await newestRevision()
    names = ['y']
    await client.of(Task).mergePatch(inDefault('a'), { metadata: { labels: { woken: 'yes' } } })
    await eventually(async () => expect(await made()).toEqual([['a-y', { name: 'y' }]]))
    await eventually(() => started.isIdle())
    // The label and the deletion: nothing else was sent.
    expect(await newestRevision()).toBe(settled + 2)
  })

  it("takes over what is nobody's and says so, and leaves alone what another controls", async () => {
    const task = await createTask('a')
    const ownerReferences = [{ apiVersion: Task.apiVersion, kind: 'Task', name: 'other', uid: 'other', controller: true }]
    const also = [...ownerReferences, { apiVersion: Task.apiVersion, kind: 'Task', name: 'a', uid: task.metadata.uid }]
    await createConfig('a-free')
    await client.of(ConfigMap).create({ metadata: { ...inDefault('a-taken'), ownerReferences }, data: {} })
    await client.of(ConfigMap).create({ metadata: { ...inDefault('a-shared'), ownerReferences: also }, data: {} })
    start({
      owns: [ConfigMap],
      async reconcile(_task, ctx) {
        await ctx.apply(ConfigMap, { metadata: { name: 'a-free' }, data: { by: 'test' } })
        await ctx.prune(ConfigMap)
        await ctx.apply(ConfigMap, { metadata: { name: 'a-taken' }, data: { by: 'test' } })
      },
    })
    await eventually(async () =>
      expect((await client.of(Event).list()).items.map(({ reason, message }) => `${reason}: ${message}`).sort()).toEqual([
        'Adopted: took over ConfigMap a-free, which was there and had no controller',
        "ReconcileFailed: ctx.apply was asked for ConfigMap default/a-taken of Task default/a, and it is Task other's already",
      ]),
    )
    const left = (await client.of(ConfigMap).list({ namespace: 'default' })).items.map(({ metadata, data }) => [metadata.name, data?.by])
    expect(left).toEqual([
      ['a-free', 'test'],
      ['a-shared', undefined],
      ['a-taken', undefined],
    ])
  })

  it('looks after the objects that a watched one concerns, and after those that it concerned before', async () => {
    await createTask('a')
    await createTask('b')
    const passes: string[] = []
    const started = start({
      watches: [
        watch(Secret, ({ metadata }, cache) =>
          cache.list(Task, metadata.namespace).flatMap((task) => (task.metadata.name === metadata.labels?.for ? [task.metadata] : [])),
        ),
      ],
      async reconcile(task, ctx) {
        const secret = await ctx.get(Secret, inDefault('s'))
        passes.push(`${task.metadata.name} ${secret?.metadata.labels?.for}`)
      },
    })
    await eventually(() => passes.length === 2 && started.isIdle())
    await client.of(Secret).create({ metadata: { ...inDefault('s'), labels: { for: 'a' } } })
    await eventually(() => passes.length === 3 && started.isIdle())
    await client.of(Secret).mergePatch(inDefault('s'), { metadata: { labels: { for: 'b' } } })
    await eventually(() => passes.length === 5 && started.isIdle())
    expect(passes.slice(2).sort()).toEqual(['a a', 'a b', 'b b'])
  })

  it('says what is wrong with a pass that changes more than the status', async () => {
    await createTask('a')
    start({
      async reconcile(task) {
        task.spec.image = 'changed'
      },
    })
    await eventually(async () =>
      expect((await client.of(Event).list()).items[0]?.message).toContain('changes the status of its object, and nothing else'),
    )
    expect((await getTask('a')).spec.image).toBe('busybox')
  })

  it('works on one object once at a time, and on several at once', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await createTask(name)
    const now = new Map<string, number>()
    let [most, objectsAtOnce, passes] = [0, 0, 0]
    start({
      workers: 3,
      async reconcile({ metadata: { namespace, name } }, ctx) {
        now.set(name, (now.get(name) ?? 0) + 1)
        most = Math.max(most, now.get(name) ?? 0)
        objectsAtOnce = Math.max(objectsAtOnce, [...now.values()].filter((count) => count > 0).length)
        if (passes++ < 40) await ctx.client.of(Task).mergePatch({ namespace, name }, { metadata: { annotations: { pass: `${passes}` } } })
        now.set(name, (now.get(name) ?? 0) - 1)
      },
    })
    await eventually(() => passes >= 40)
    expect(most).toBe(1)
    expect(objectsAtOnce).toBe(3)
  })

  it('goes on at once with everything when the server is back, for it has not tried everything meanwhile', async () => {
    const all = 300
    const created = Array.from({ length: all }, (_, index) => createTask(`t${index}`))
    await Promise.all(created)
    const proxy = await startFlakyProxy(cluster.url)
    const cutOff = createClient({ ...cluster.admin, server: proxy.url })
    await proxy.stop()
    const done = new Set<string>()
    const started = start(
      {
        async reconcile({ metadata: { namespace, name } }, ctx) {
          await ctx.client.of(Task).get({ namespace, name })
          done.add(name)
        },
      },
      // The watch goes another way, so that everything is due while no request gets through.
      { ...cutOff, stream: (path, receiver) => client.stream(path, receiver) },
    )
    await eventually(() => started.passes > 0)
    for (let seconds = 0; seconds < 10; seconds++) await cluster.clock.advance(1_000)
    expect(started.passes).toBeLessThan(100)
    await proxy.restart()
    // Retries alone, ten a second, would take half a minute.
    for (let seconds = 0; seconds < 25 && done.size < all; seconds++) {
      await cluster.clock.advance(1_000)
      // A worker may wait for the clock still: that all are idle cannot be waited for.
      await quiet(() => started.passes + proxy.passed, 30)
    }
    expect(done.size).toBe(all)
    stop.abort()
    await started.finished
    await cutOff.close()
    await proxy.close()
  })

  it.each([
    ['a look', { when: ({ metadata }: Task) => metadata.labels?.off === undefined }],
    ['its label', { labelSelector: '!off' }],
  ])('cleans up what it began with, also where %s says that it reconciles no more', async (_what, selection) => {
    const calls: string[] = []
    start({
      ...selection,
      async reconcile() {
        calls.push('reconcile')
      },
      async finalize() {
        calls.push('finalize')
      },
    })
    await createTask('a')
    await eventually(async () => ((await getTask('a')).metadata.finalizers?.length ?? 0) > 0)
    await client.of(Task).mergePatch(inDefault('a'), { metadata: { labels: { off: 'yes' } } })
    await client.of(Task).delete(inDefault('a'))
    await eventually(async () => (await client.of(Task).list()).items.length === 0)
    expect(calls.filter((call) => call === 'finalize')).toEqual(['finalize'])
  })

  it('ends with its signal after the pass under way, whose further writes are refused', async () => {
    await createTask('a')
    const gate: { open?: () => void } = {}
    const outcomes: string[] = []
    const started = start({
      async reconcile(task, ctx) {
        await new Promise<void>((resolve) => {
          gate.open = resolve
        })
        for (const write of [
          () => ctx.client.of(ConfigMap).create({ metadata: inDefault('late') }),
          () => ctx.client.raw({ method: 'DELETE', path: '/api/v1/namespaces/default/configmaps/kept' }),
        ])
          outcomes.push(
            await write().then(
              () => 'written',
              (error: Error) => error.name,
            ),
          )
        task.status.phase = 'Running'
      },
    })
    await createConfig('kept')
    await eventually(() => gate.open !== undefined)
    stop.abort()
    gate.open?.()
    await started.finished
    expect(outcomes).toEqual(['AbortError', 'AbortError'])
    expect((await getTask('a')).status?.phase).not.toBe('Running')
    expect((await client.of(ConfigMap).list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['kept'])
  })
})

describe('a declaration', () => {
  it('has the kind for a name, and refuses what cannot be one', () => {
    expect(controller({ for: Task, async reconcile() {} }).name).toBe('task')
    expect(() => controller({ name: 'Not A Name', for: Task, async reconcile() {} })).toThrow('DNS label')
  })
})
