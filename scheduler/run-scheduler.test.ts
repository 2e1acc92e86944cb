import { describe, expect, it } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { Event } from '../lib/api/kinds/event.js'
import { Node } from '../lib/api/kinds/node.js'
import { Task } from '../lib/api/kinds/task.js'
import { silentLogger } from '../lib/base/log.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { testCluster } from '../lib/testing/test-cluster.js'
import { aNode } from './fixtures/builders.js'
import { runScheduler } from './run-scheduler.js'
import type { Scheduler } from './scheduler.js'

/** A live scheduler as system:scheduler on a real API server, and the admin's client. */
async function schedulingCluster() {
  const cluster = await testCluster()
  const stop = new AbortController()
  const admin = createClient(cluster.admin)
  const running: Promise<void>[] = []
  const schedulers: Scheduler[] = []
  const addScheduler = async () => {
    const client = createClient(await cluster.configOf('system:scheduler'))
    const onStarted = (scheduler: Scheduler) => void schedulers.push(scheduler)
    running.push(runScheduler({ client, clock: cluster.clock, log: silentLogger, onStarted }, stop.signal).finally(() => client.close()))
    await eventually(() => schedulers.length === running.length)
  }
  await addScheduler()
  return {
    cluster,
    admin,
    schedulers,
    addScheduler,
    async addNode(name: string, memory = '8Gi', cpu = '4') {
      await admin.of(Node).create({ metadata: { name }, spec: {} })
      const { conditions, backends } = aNode().status ?? {}
      await admin
        .of(Node)
        .mergePatch({ name }, { status: { allocatable: { cpu, memory }, conditions, backends } }, { subresource: 'status' })
    },
    addTask: (name: string, memory = '1Gi', spec = {}) =>
      admin.of(Task).create({ metadata: { name }, spec: { image: 'busybox', resources: { requests: { memory, cpu: '10m' } }, ...spec } }),
    nodeOf: async (name: string) => (await admin.of(Task).get({ namespace: 'default', name })).spec.nodeName,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(running)
      await cluster.close()
    },
  }
}

describe('the running scheduler', () => {
  it('binds a task to a ready node, and says so', async () => {
    await using cluster = await schedulingCluster()
    await cluster.addNode('n1')
    await cluster.addTask('a')
    await eventually(async () => expect(await cluster.nodeOf('a')).toBe('n1'))
    const task = await cluster.admin.of(Task).get({ namespace: 'default', name: 'a' })
    expect(findCondition(task, 'Scheduled')).toMatchObject({ status: 'True', reason: 'Bound' })
    const { items } = await eventually(async () => {
      const events = await cluster.admin.of(Event).list({ namespace: 'default', fieldSelector: `involvedObject.uid=${task.metadata.uid}` })
      return events.items.length > 0 && events
    })
    expect(items[0]).toMatchObject({ reason: 'Scheduled', type: 'Normal', message: 'bound to node n1' })
  })

  it('writes why a task waits, as a condition and an Event, and binds it when that changes', async () => {
    await using cluster = await schedulingCluster()
    await cluster.addNode('n1', '2Gi')
    await cluster.addTask('a', '4Gi')
    const waiting = await eventually(async () => {
      const task = await cluster.admin.of(Task).get({ namespace: 'default', name: 'a' })
      return findCondition(task, 'Scheduled')?.reason === 'Unschedulable' && task
    })
    const message = '0 of 1 node fits: n1 lacks memory (asks 4Gi, 2Gi free)'
    expect(findCondition(waiting, 'Scheduled')).toMatchObject({ status: 'False', message })
    expect(waiting.status?.phase).toBe('Pending')
    await eventually(async () => {
      const { items } = await cluster.admin.of(Event).list({ namespace: 'default' })
      expect(items).toMatchObject([{ reason: 'FailedScheduling', type: 'Warning', message }])
    })
    await cluster.addNode('n2', '8Gi')
    await eventually(async () => {
      await cluster.cluster.clock.advance(1_000)
      expect(await cluster.nodeOf('a')).toBe('n2')
    })
  })

  it('uses what a deleted task leaves', async () => {
    await using cluster = await schedulingCluster()
    await cluster.addNode('n1', '2Gi')
    await cluster.addTask('a', '2Gi')
    await eventually(async () => expect(await cluster.nodeOf('a')).toBe('n1'))
    await cluster.addTask('b', '2Gi')
    const at = { namespace: 'default', name: 'a' }
    await cluster.admin.of(Task).mergePatch(at, { metadata: { finalizers: null } })
    await cluster.admin.of(Task).delete(at)
    await eventually(async () => {
      await cluster.cluster.clock.advance(1_000)
      expect(await cluster.nodeOf('b')).toBe('n1')
    })
  })

  const tasks = process.env.MILLRACE_TEST_LONG === '1' ? 10_000 : 600
  it(`two live schedulers bind ${tasks} tasks: none twice, and no node is over-committed at any revision`, async () => {
    await using cluster = await schedulingCluster()
    const nodes = tasks / 20
    const commits: { node: string; task: string; memory: number }[] = []
    const promised = new Map<string, number>()
    let worst = 0
    cluster.cluster.store.onCommit(({ changes }) => {
      for (const { object, previous } of changes) {
        const node = object.facets.fields['spec.nodeName']
        const before = previous?.facets.fields['spec.nodeName']
        if (object.key.resource !== 'tasks' || !node || before === node) continue
        commits.push({ node, task: object.key.name, memory: 1 })
        promised.set(node, (promised.get(node) ?? 0) + 1)
        worst = Math.max(worst, promised.get(node) ?? 0)
      }
    })
    for (let index = 0; index < tasks; index += 50)
      await Promise.all(Array.from({ length: 50 }, (_, offset) => cluster.addTask(`t${index + offset}`)))
    // The second one lists the tasks by name, the first has them in the order of
    // their creation: so they want different tasks on the same nodes.
    await cluster.addScheduler()
    // 18 of 20 tasks for each node fit: what the two fight for is scarce.
    await Promise.all(Array.from({ length: nodes }, (_, index) => cluster.addNode(`n${index}`, '18Gi', '32')))
    await eventually(
      async () => {
        await cluster.cluster.clock.advance(1_000)
        return commits.length >= nodes * 18
      },
      { timeoutMs: 240_000, intervalMs: 50 },
    )
    expect(worst).toBe(18)
    expect(new Set(commits.map(({ task }) => task)).size).toBe(commits.length)
    expect(commits).toHaveLength(nodes * 18)
    expect(cluster.schedulers.reduce((sum, { counts }) => sum + counts.refused, 0)).toBeGreaterThan(0)
  }, 300_000)
})
