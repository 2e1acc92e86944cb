import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import { Deployment } from '../../lib/api/kinds/deployment.js'
import { Node } from '../../lib/api/kinds/node.js'
import { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import type { TaskSpec } from '../../lib/api/kinds/task.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { ObjectMetaInput } from '../../lib/api/object-meta.js'
import { drainTaint } from '../../lib/api/taint-toleration.js'
import { isHealthy } from '../../lib/api/task-health.js'
import { readAnswer } from '../../lib/client/read-answer.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'
import { isComplete } from '../task-end.js'

const ready = {
  phase: 'Running' as const,
  conditions: ['Running', 'Ready'].map((type) => ({ type, status: 'True' as const, reason: 'Started' })),
}
const labels = { app: 'web' }
const selector = { matchLabels: labels }
const only = ['disruption', 'taint-eviction', 'task-attempt']

async function runTasks(
  cluster: ControlledCluster,
  names: readonly string[],
  spec: Partial<TaskSpec> = {},
  metadata: Partial<ObjectMetaInput> = {},
) {
  for (const name of names) {
    await cluster.addTask(name, { nodeName: 'n1', ...spec }, { labels, ...metadata })
    await cluster.setStatus(name, ready)
  }
}
const createBudget = (cluster: ControlledCluster, spec: object) =>
  cluster.admin.of(PodDisruptionBudget).create({ metadata: { name: 'web', namespace: 'default' }, spec: { selector, ...spec } })
const budgetOf = (cluster: ControlledCluster) => cluster.admin.of(PodDisruptionBudget).get({ namespace: 'default', name: 'web' })
const statusOf = async (cluster: ControlledCluster) => (await budgetOf(cluster)).status
const counted = (cluster: ControlledCluster, numbers: object) =>
  cluster.until(async () => expect(await statusOf(cluster)).toMatchObject(numbers))
async function evict(cluster: ControlledCluster, name: string): Promise<number> {
  const path = resourcePath(Task, { namespace: 'default', name, subresource: 'eviction' })
  return cluster.admin.raw({ method: 'POST', path, body: { metadata: { name } } }).then(
    () => 201,
    ({ code }) => code,
  )
}

describe('the disruption controller', () => {
  it('counts again with each change of the budget and of its Tasks', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    await createBudget(cluster, { minAvailable: 2 })
    await counted(cluster, { observedGeneration: 1, expectedPods: 0, disruptionsAllowed: 0 })
    await runTasks(cluster, ['a', 'b', 'c'])
    await counted(cluster, { expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 })
    expect(findCondition(await budgetOf(cluster), 'DisruptionAllowed')).toMatchObject({
      status: 'True',
      reason: 'SufficientPods',
      observedGeneration: 1,
      message: '3 of 3 are healthy and 2 must be: 1 may be evicted',
    })
    await cluster.admin.of(PodDisruptionBudget).mergePatch({ namespace: 'default', name: 'web' }, { spec: { minAvailable: 3 } })
    await counted(cluster, { observedGeneration: 2, desiredHealthy: 3, disruptionsAllowed: 0 })
    expect(findCondition(await budgetOf(cluster), 'DisruptionAllowed')).toMatchObject({ status: 'False', reason: 'InsufficientPods' })
    await cluster.admin.of(PodDisruptionBudget).mergePatch({ namespace: 'default', name: 'web' }, { spec: { minAvailable: 1 } })
    await counted(cluster, { disruptionsAllowed: 2 })
    await cluster.setStatus('a', { conditions: [{ type: 'Ready', status: 'False' }] })
    await counted(cluster, { currentHealthy: 2, disruptionsAllowed: 1 })
    await cluster.admin.of(Task).mergePatch({ namespace: 'default', name: 'b' }, { metadata: { labels: { app: 'other' } } })
    await counted(cluster, { expectedPods: 2, currentHealthy: 1, disruptionsAllowed: 0 })
  })

  it('writes nothing when nothing differs', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    await createBudget(cluster, { minAvailable: 1 })
    await runTasks(cluster, ['a', 'b'])
    await counted(cluster, { disruptionsAllowed: 1 })
    const { resourceVersion } = (await budgetOf(cluster)).metadata
    await cluster.admin.of(Task).mergePatch({ namespace: 'default', name: 'a' }, { metadata: { annotations: { seen: 'yes' } } })
    await cluster.pass(300)
    expect((await budgetOf(cluster)).metadata.resourceVersion).toBe(resourceVersion)
  })

  it('gives back what an eviction took when the next attempt is ready, and never more than that', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    await createBudget(cluster, { minAvailable: 2 })
    await runTasks(cluster, ['a', 'b', 'c'], { onNodeLost: 'Reschedule' })
    await counted(cluster, { disruptionsAllowed: 1 })
    expect(await Promise.all(['a', 'b', 'c'].map((name) => evict(cluster, name)))).toEqual([201, 429, 429])
    await counted(cluster, { currentHealthy: 2, disruptionsAllowed: 0, disruptedPods: {} })
    expect(await evict(cluster, 'b')).toBe(429)
    // The agent ends the attempt; another one begins, and is bound.
    await cluster.setStatus('a', { conditions: [{ type: 'Complete', status: 'True', reason: 'Evicted' }] })
    await cluster.until(async () => expect((await cluster.task('a')).status?.attempt).toBe(1))
    await cluster.setStatus('a', ready)
    await counted(cluster, { currentHealthy: 3, disruptionsAllowed: 1 })
    expect(await evict(cluster, 'b')).toBe(201)
  })

  it('keeps enough healthy at every revision, while all are evicted again and again', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    await createBudget(cluster, { minAvailable: 4 })
    await runTasks(cluster, names, { onNodeLost: 'Reschedule' })
    await counted(cluster, { disruptionsAllowed: 2 })
    let least = names.length
    cluster.cluster.always((snapshot) => {
      const healthy = snapshot.list(Task).filter(isHealthy).length
      least = Math.min(least, healthy)
      expect(healthy).toBeGreaterThanOrEqual(4)
    })
    let evicted = 0
    await cluster.until(async () => {
      for (const name of names) {
        const task = await cluster.task(name)
        // What an agent and the scheduler would do.
        if (disruptionOf(task) && !isComplete(task))
          await cluster.setStatus(name, { conditions: [{ type: 'Complete', status: 'True', reason: 'Evicted' }] })
        else if (task.status?.phase === 'Pending') {
          await cluster.admin.bind(Task as unknown as Kind, [{ namespace: 'default', name, nodeName: 'n1' }])
          await cluster.setStatus(name, ready)
        }
      }
      const codes = await Promise.all(names.map((name) => evict(cluster, name)))
      evicted += codes.filter((code) => code === 201).length
      expect(evicted).toBeGreaterThan(30)
    })
    expect(least).toBe(4)
  })

  it('forgets an eviction that its Task does not show, once it has seen all up to it', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    await createBudget(cluster, { minAvailable: 1 })
    await runTasks(cluster, ['a', 'b'])
    await counted(cluster, { disruptionsAllowed: 1 })
    await evict(cluster, 'a')
    await counted(cluster, { currentHealthy: 1, disruptionsAllowed: 0 })
    // Somebody takes the request back, behind everybody's back.
    await cluster.setStatus('a', ready)
    const now = new Date(cluster.cluster.clock.now()).toISOString()
    const status = { disruptedPods: { a: now } }
    await cluster.admin.of(PodDisruptionBudget).mergePatch({ namespace: 'default', name: 'web' }, { status }, { subresource: 'status' })
    await counted(cluster, { disruptionsAllowed: 1, disruptedPods: {} })
  })

  it('counts what a taint took without asking', async () => {
    await using cluster = await controlledCluster({ only })
    for (const name of ['n1', 'n2']) await cluster.addNode(name)
    await createBudget(cluster, { minAvailable: 2 })
    await runTasks(cluster, ['a'])
    await runTasks(cluster, ['b', 'c'], { nodeName: 'n2' })
    await counted(cluster, { disruptionsAllowed: 1 })
    await cluster.admin.of(Node).mergePatch({ name: 'n2' }, { spec: { taints: [{ key: 'maintenance', effect: 'NoExecute' }] } })
    await counted(cluster, { currentHealthy: 1, disruptionsAllowed: 0 })
    for (const name of ['b', 'c']) expect(disruptionOf(await cluster.task(name))?.reason).toBe('Evicted')
  })
})

/** A kind of users with a scale, and one object of it. */
async function createPool(cluster: ControlledCluster, size: number): Promise<KubeObject> {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const
  const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { scale } }
  const names = { plural: 'pools', kind: 'Pool' }
  const spec = { group: 'example.com', scope: 'Namespaced' as const, names, versions: [version] }
  await cluster.admin.of(CustomResourceDefinition).create({ metadata: { name: 'pools.example.com' }, spec })
  const path = '/apis/example.com/v1/namespaces/default/pools'
  const body = { apiVersion: 'example.com/v1', kind: 'Pool', metadata: { name: 'pool' }, spec: { size } }
  return (await readAnswer(await cluster.admin.raw({ method: 'POST', path, body }))) as KubeObject
}

describe('how many there should be', () => {
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'busybox' }] } }
  const ownedBy = (owner: { apiVersion: string; kind: string; metadata: { name: string; uid: string } }) => {
    const { apiVersion, kind, metadata } = owner
    return { ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }] }
  }

  it('is what the Deployment above the ReplicaSet says, and follows it', async () => {
    await using cluster = await controlledCluster({ only: ['disruption'] })
    await cluster.addNode('n1')
    const spec = { replicas: 4, selector, template }
    const deployment = await cluster.admin.of(Deployment).create({ metadata: { name: 'web', namespace: 'default' }, spec })
    const metadata = { name: 'web-1', namespace: 'default', ...ownedBy(deployment) }
    const replicaSet = await cluster.admin.of(ReplicaSet).create({ metadata, spec: { ...spec, replicas: 3 } })
    await createBudget(cluster, { maxUnavailable: '25%' })
    await runTasks(cluster, ['a', 'b', 'c', 'd'], {}, ownedBy(replicaSet))
    await counted(cluster, { expectedPods: 4, desiredHealthy: 3, currentHealthy: 4, disruptionsAllowed: 1 })
    await cluster.admin.of(Deployment).mergePatch({ namespace: 'default', name: 'web' }, { spec: { replicas: 8 } })
    await counted(cluster, { expectedPods: 8, desiredHealthy: 6, disruptionsAllowed: 0 })
  })

  it("is what the scale of a user's kind says", async () => {
    await using cluster = await controlledCluster({ only: ['disruption'] })
    await cluster.addNode('n1')
    const owner = await createPool(cluster, 4)
    await runTasks(cluster, ['a', 'b', 'c', 'd'], {}, ownedBy(owner))
    await createBudget(cluster, { minAvailable: '50%' })
    await counted(cluster, { expectedPods: 4, desiredHealthy: 2, currentHealthy: 4, disruptionsAllowed: 2 })
  })

  it('is known to nobody for Tasks without a controller, and nothing may be evicted then', async () => {
    await using cluster = await controlledCluster({ only: ['disruption'] })
    await cluster.addNode('n1')
    await runTasks(cluster, ['a', 'b'])
    await createBudget(cluster, { maxUnavailable: 1 })
    await cluster.until(async () =>
      expect(findCondition(await budgetOf(cluster), 'DisruptionAllowed')).toMatchObject({
        status: 'False',
        reason: 'SyncFailed',
        message: expect.stringContaining('no controller says how many there should be of a, b'),
      }),
    )
    expect(await evict(cluster, 'a')).toBe(429)
  })
})

describe('a drain', () => {
  it('goes as far as the budget lets it, and on when it lets it', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addNode('n1')
    await createBudget(cluster, { minAvailable: 2 })
    await runTasks(cluster, ['a', 'b', 'c'])
    await counted(cluster, { disruptionsAllowed: 1 })
    await cluster.admin.of(Node).mergePatch({ name: 'n1' }, { spec: { taints: [drainTaint] } })
    const evicted = async () => {
      const tasks = await Promise.all(['a', 'b', 'c'].map(cluster.task))
      return tasks.filter((task) => disruptionOf(task)).length
    }
    await cluster.until(async () => expect(await evicted()).toBe(1))
    await cluster.pass(60)
    expect(await evicted()).toBe(1)
    await cluster.admin.of(PodDisruptionBudget).delete({ namespace: 'default', name: 'web' })
    await cluster.until(async () => expect(await evicted()).toBe(3))
  })
})
