import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withCondition } from '../api/condition.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Task } from '../api/kinds/task.js'
import { silentLogger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { createEventRecorder, type EventRecorder } from '../client/events/event-recorder.js'
import { createInformer } from '../client/informer/informer.js'
import { objectName } from '../client/resource-path.js'
import { startFlakyProxy } from '../client/test/flaky-proxy.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { addFinalizer, hasFinalizer, isBeingDeleted, removeFinalizer } from './finalizer.js'
import { controllerReference, isOwnedBy, ownerUids } from './owner-reference.js'
import { type ControllerOptions, runController } from './run-controller.js'
import { onChange } from './trigger.js'

let cluster: TestCluster
let client: Client
let stop: AbortController
let events: EventRecorder
let running: Promise<void>[]

beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
  stop = new AbortController()
  events = createEventRecorder({ client, component: 'tester', clock: cluster.clock })
  running = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running)
  await client.close()
  await cluster.close()
})

const quick = { backoff: { initialMs: 5, maxMs: 20 } }

function tasksInformer() {
  const tasks = createInformer(client, Task)
  running.push(tasks.start(stop.signal, quick))
  return tasks
}
function start(options: Pick<ControllerOptions, 'informers' | 'triggers' | 'reconcile'> & Partial<ControllerOptions>) {
  const controller = runController({ name: 'test', client, clock: cluster.clock, log: silentLogger, events, ...options }, stop.signal)
  running.push(controller)
  return controller
}
const createTask = (name: string) => client.of(Task).create({ metadata: { namespace: 'default', name }, spec: { image: 'busybox' } })
const getTask = (name: string) => client.of(Task).get({ namespace: 'default', name })

/** Marks each Task once, and counts its passes and what it saw. */
function marker(tasks: ReturnType<typeof tasksInformer>, passes: string[]): ControllerOptions['reconcile'] {
  return async (key, ctx) => {
    const task = tasks.lister.get(key)
    passes.push(`${key}@${task?.metadata.resourceVersion ?? 'gone'}`)
    if (!task) return
    const draft = structuredClone(task)
    draft.status = {
      ...draft.status,
      conditions: withCondition(
        draft.status?.conditions,
        { type: 'Ready', status: 'True', reason: 'Marked', message: '' },
        ctx.clock.now(),
      ),
    }
    await ctx.commit(Task, task, draft)
  }
}

describe('a controller', () => {
  it('brings every object to where it should be, with one patch, and none when nothing differs', async () => {
    for (const name of ['a', 'b', 'c']) await createTask(name)
    const tasks = tasksInformer()
    const passes: string[] = []
    void start({ informers: [tasks], triggers: [onChange(tasks, (task) => [objectName(task)])], reconcile: marker(tasks, passes) })
    for (const name of ['a', 'b', 'c']) {
      await eventually(async () => expect((await getTask(name)).status?.conditions).toMatchObject([{ reason: 'Marked' }]))
    }
    await eventually(() => passes.length >= 6)
    const revisions = (await client.of(Task).list()).items.map(({ metadata }) => Number(metadata.resourceVersion))
    expect(Math.max(...revisions) - Math.min(...revisions)).toBe(2)
    // One pass that writes and one that sees it, for each.
    expect(passes).toHaveLength(6)
  })

  it('does not decide on a copy that is older than its own last write', async () => {
    const task = await createTask('a')
    const tasks = tasksInformer()
    const proxy = await startFlakyProxy(cluster.url)
    const slow = createClient({ ...cluster.admin, server: proxy.url })
    const owned = createInformer(slow, ConfigMap, { indexes: { owner: ownerUids } })
    running.push(owned.start(stop.signal, quick))
    await owned.synced()
    proxy.stall()
    let passes = 0
    void start({
      informers: [tasks, owned],
      triggers: [onChange(tasks, (object) => [objectName(object)])],
      async reconcile(key, ctx) {
        passes++
        const owner = tasks.lister.get(key)
        if (!owner || owned.lister.by('owner', owner.metadata.uid).length > 0) return
        const metadata = { namespace: 'default', generateName: 'made-', ownerReferences: [controllerReference(owner)] }
        await ctx.client.of(ConfigMap).create({ metadata, data: {} })
      },
    })
    const made = async () => (await client.of(ConfigMap).list({ namespace: 'default' })).items
    await eventually(async () => (await made()).length === 1)
    // Woken while the watch has not brought yet what it made.
    const woken = await client.of(Task).mergePatch(task.metadata, { metadata: { labels: { woken: 'yes' } } })
    await tasks.seen(woken.metadata.resourceVersion)
    await client.of(Task).list()
    expect(passes).toBe(1)
    proxy.flow()
    await eventually(() => expect(passes).toBe(2))
    const [only, ...more] = await made()
    expect(more).toEqual([])
    expect(only && isOwnedBy(only, task)).toBe(true)
    stop.abort()
    await Promise.all(running)
    await slow.close()
    await proxy.close()
  })

  it('refuses to write over what has changed since it looked, and decides anew', async () => {
    const task = await createTask('a')
    const tasks = tasksInformer()
    let disturbed = false
    void start({
      informers: [tasks],
      triggers: [onChange(tasks, (object) => [objectName(object)])],
      async reconcile(key, ctx) {
        const seen = tasks.lister.get(key)
        if (!seen || seen.metadata.labels?.seen) return
        if (!disturbed) {
          disturbed = true
          await client.of(Task).mergePatch(task.metadata, { metadata: { annotations: { by: 'another' } } })
        }
        await ctx.commit(Task, seen, {
          ...seen,
          metadata: { ...seen.metadata, labels: { seen: seen.metadata.annotations?.by ?? 'nothing' } },
        })
      },
    })
    await eventually(async () => {
      await cluster.clock.advance(100)
      return (await getTask('a')).metadata.labels?.seen === 'another'
    })
  })

  it('comes back after a failure, later each time, and when it asked to', async () => {
    await createTask('a')
    const tasks = tasksInformer()
    const at: number[] = []
    void start({
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [objectName(task)])],
      queue: { random: () => 1 },
      async reconcile() {
        at.push(cluster.clock.monotonic())
        if (at.length <= 3) throw new Error('not yet')
        return at.length === 4 ? { requeueAfterMs: 60_000 } : undefined
      },
    })
    await eventually(() => at.length === 1)
    for (let passes = 1; passes < 5; passes++) {
      await eventually(() => cluster.clock.timers > 0)
      await eventually(async () => {
        await cluster.clock.advance(passes < 4 ? 1 : 10_000)
        return at.length > passes
      })
    }
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(pauses.slice(0, 3)).toEqual([5, 10, 20])
    expect(pauses[3]).toBe(60_000)
  })

  it('holds a deletion by its finalizer until its work is done', async () => {
    const tasks = tasksInformer()
    const finalizer = 'test.millrace.dev/hold'
    let released = false
    void start({
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [objectName(task)])],
      async reconcile(key, ctx) {
        const task = tasks.lister.get(key)
        if (!task) return
        const draft = structuredClone(task)
        if (!isBeingDeleted(task)) addFinalizer(draft, finalizer)
        else if (released) removeFinalizer(draft, finalizer)
        await ctx.commit(Task, task, draft)
        return isBeingDeleted(task) ? { requeueAfterMs: 1_000 } : undefined
      },
    })
    await createTask('a')
    await eventually(async () => hasFinalizer(await getTask('a'), finalizer))
    await client.of(Task).delete({ namespace: 'default', name: 'a' })
    expect(isBeingDeleted(await getTask('a'))).toBe(true)
    released = true
    await eventually(async () => {
      await cluster.clock.advance(1_000)
      return (await client.of(Task).list()).items.length === 0
    })
    await eventually(() => tasks.lister.size === 0)
  })

  it('works on one key once at a time, and on several keys at once', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await createTask(name)
    const tasks = tasksInformer()
    const now = new Map<string, number>()
    let most = 0
    let keysAtOnce = 0
    let passes = 0
    void start({
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [objectName(task)])],
      workers: 3,
      async reconcile(key, ctx) {
        now.set(key, (now.get(key) ?? 0) + 1)
        most = Math.max(most, now.get(key) ?? 0)
        keysAtOnce = Math.max(keysAtOnce, [...now.values()].filter((count) => count > 0).length)
        const [namespace, name = ''] = key.split('/')
        if (passes++ < 40) await ctx.client.of(Task).mergePatch({ namespace, name }, { metadata: { annotations: { pass: `${passes}` } } })
        now.set(key, (now.get(key) ?? 0) - 1)
      },
    })
    await eventually(() => passes >= 40)
    expect(most).toBe(1)
    expect(keysAtOnce).toBe(3)
  })

  it('ends with its signal, after the pass under way', async () => {
    await createTask('a')
    const tasks = tasksInformer()
    let finish: () => void = () => {}
    let passes = 0
    const controller = start({
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [objectName(task)])],
      async reconcile() {
        passes++
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      },
    })
    await eventually(() => passes === 1)
    let ended = false
    void controller.then(() => {
      ended = true
    })
    stop.abort()
    await new Promise((resolve) => setImmediate(resolve))
    expect(ended).toBe(false)
    finish()
    await controller
    expect(passes).toBe(1)
  })
})
