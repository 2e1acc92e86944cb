import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Event } from '../../lib/api/kinds/event.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { Task } from '../../lib/api/kinds/task.js'
import { controllerOf } from '../../lib/controller/index.js'
import { eventually } from '../../lib/testing/eventually.js'
import { testCluster } from '../../lib/testing/test-cluster.js'
import { type ReplicatedCluster, replicatedCluster, templateOf } from '../fixtures/replicated-cluster.js'
import { replicaSet } from './replica-set.js'
import { isActive } from './task-state.js'

const set = async ({ admin }: ReplicatedCluster, name = 'web') => await admin.of(ReplicaSet).get({ namespace: 'default', name })
const counts = async (cluster: ReplicatedCluster) => {
  const { replicas, readyReplicas, availableReplicas, observedGeneration } = (await set(cluster)).status ?? {}
  return [replicas, readyReplicas, availableReplicas, observedGeneration]
}
const active = async (cluster: ReplicatedCluster) => (await cluster.tasks()).filter(isActive)
const eventsOf = async ({ admin }: ReplicatedCluster, reason: string) =>
  (await admin.of(Event).list({ namespace: 'default' })).items.filter((event) => event.reason === reason).map(({ message }) => message)

describe('a ReplicaSet', () => {
  it('makes the tasks that are missing, from its template, and says how they are', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addSet({ replicas: 3 })
    await cluster.until(async () => expect(await counts(cluster)).toEqual([3, 0, 0, 1]))
    for (const task of await cluster.tasks()) {
      expect(task.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
      expect(task.metadata.labels).toEqual({ app: 'web' })
      expect(controllerOf(task)).toMatchObject({ kind: 'ReplicaSet', name: 'web', controller: true })
      expect(task.spec).toMatchObject({ image: 'v1', restartPolicy: 'Always', onNodeLost: 'Reschedule' })
    }
    await cluster.runUntil(async () => expect(await counts(cluster)).toEqual([3, 3, 3, 1]))
    expect((await eventsOf(cluster, 'SuccessfulCreate')).sort()).toEqual(
      (await cluster.tasks()).map(({ metadata }) => `created Task ${metadata.name}`),
    )
  })

  it('grows and shrinks, and deletes what does not run first', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addSet({ replicas: 2 })
    await cluster.runUntil(async () => expect(await counts(cluster)).toEqual([2, 2, 2, 1]))
    const before = (await cluster.tasks()).map(({ metadata }) => metadata.name)
    await cluster.patchSet({ spec: { replicas: 4 } })
    await cluster.until(async () => expect(await counts(cluster)).toEqual([4, 2, 2, 2]))
    await cluster.patchSet({ spec: { replicas: 2 } })
    await cluster.until(async () => expect(await counts(cluster)).toEqual([2, 2, 2, 3]))
    expect((await cluster.tasks()).map(({ metadata }) => metadata.name)).toEqual(before)
    expect(await eventsOf(cluster, 'SuccessfulDelete')).toHaveLength(2)
  })

  it('counts a task as available when it has been ready for minReadySeconds', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addSet({ replicas: 1, minReadySeconds: 60 })
    await cluster.runUntil(async () => expect(await counts(cluster)).toEqual([1, 1, 0, 1]))
    expect(await cluster.until(async () => expect(await counts(cluster)).toEqual([1, 1, 1, 1]))).toBeGreaterThan(50)
  })

  it('replaces a task that is deleted while it ends, one that is evicted, and one that has failed', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addSet({ replicas: 3 })
    await cluster.runUntil(async () => expect(await counts(cluster)).toEqual([3, 3, 3, 1]))
    const [deleted, evicted, failed] = (await cluster.tasks()).map(({ metadata }) => metadata.name) as [string, string, string]
    await cluster.admin.of(Task).delete({ namespace: 'default', name: deleted })
    await cluster.setStatus(evicted, { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'Evicted' }] })
    await cluster.setStatus(failed, { phase: 'Failed', conditions: [{ type: 'Complete', status: 'True', reason: 'StartFailed' }] })
    await cluster.until(async () => expect((await counts(cluster))[0]).toBe(3))
    await cluster.until(async () => expect((await active(cluster)).length).toBe(3))
    // Both are on their way; the failed one stays to be looked at.
    expect((await cluster.task(evicted)).metadata.deletionTimestamp).toBeDefined()
    await cluster.runUntil(async () => expect(await counts(cluster)).toEqual([3, 3, 3, 1]))
    const left = (await cluster.tasks()).map(({ metadata }) => metadata.name)
    expect(left).toHaveLength(4)
    expect(left).toContain(failed)
    expect(left).not.toContain(evicted)
  })

  it('adopts an orphan that matches, releases a task that matches no longer, and makes another in its place', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addTask('orphan', {}, { labels: { app: 'web' } })
    await cluster.addTask('stranger', {}, { labels: { app: 'db' } })
    await cluster.addSet({ replicas: 2 })
    await cluster.until(async () => expect((await counts(cluster))[0]).toBe(2))
    expect(controllerOf(await cluster.task('orphan'))).toMatchObject({ name: 'web' })
    expect(controllerOf(await cluster.task('stranger'))).toBeUndefined()
    await cluster.admin.of(Task).mergePatch({ namespace: 'default', name: 'orphan' }, { metadata: { labels: { app: 'db' } } })
    await cluster.until(async () => expect(controllerOf(await cluster.task('orphan'))).toBeUndefined())
    await cluster.until(async () => expect((await cluster.tasks()).filter((task) => controllerOf(task))).toHaveLength(2))
    // Made later, an orphan is found too, and is one too many.
    await cluster.addTask('late', {}, { labels: { app: 'web' } })
    await cluster.until(async () => expect((await cluster.tasks()).length).toBe(4))
    expect((await cluster.tasks()).filter((task) => controllerOf(task))).toHaveLength(2)
  })

  it('counts an evicted task that it could not delete: it may be started again, and a rollout must know of it', async () => {
    await using cluster = await testCluster({ controllers: [replicaSet] })
    const metadata = { namespace: 'default', name: 'web' }
    const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: templateOf('v1') }
    await cluster.client.of(ReplicaSet).create({ metadata, spec })
    await cluster.settle()
    const [evicted] = cluster.snapshot().list(Task)
    const failure = { verb: 'delete', kind: Task, times: Number.POSITIVE_INFINITY, with: 'Forbidden' } as const
    cluster.fail(failure)
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'Evicted' }]
    await cluster.client.of(Task).mergePatch(evicted?.metadata ?? metadata, { status: { conditions } }, { subresource: 'status' })
    await cluster.settle()
    expect(cluster.snapshot().list(Task)).toHaveLength(2)
    expect(cluster.snapshot().get(ReplicaSet, metadata)?.status).toMatchObject({ replicas: 2, readyReplicas: 0 })
    cluster.clearFailures()
    await cluster.advance('10s')
    expect(cluster.snapshot().get(ReplicaSet, metadata)?.status).toMatchObject({ replicas: 2 })
    expect(cluster.snapshot().list(Task).filter(isActive)).toHaveLength(2)
  })

  it('takes a number of tasks that no cluster holds as it takes others: some at a time', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addSet({ replicas: 2_147_483_647 }, 'huge')
    await cluster.addSet({ replicas: 1 })
    await eventually(async () => expect((await counts(cluster))[0]).toBe(1))
    await eventually(async () => expect((await set(cluster, 'huge')).status?.replicas).toBeGreaterThanOrEqual(500))
  })

  it('says what is refused, asks for it once and not a hundred times, and goes on when it is allowed', async () => {
    await using cluster = await replicatedCluster()
    const template = templateOf('v1')
    const privileged = { ...template, spec: { containers: [{ name: 'main', image: 'v1', securityContext: { privileged: true } }] } }
    await cluster.addSet({ replicas: 100, template: privileged })
    await cluster.until(async () => expect(findCondition(await set(cluster), 'ReplicaFailure')).toBeDefined())
    expect(findCondition(await set(cluster), 'ReplicaFailure')).toMatchObject({ status: 'True', reason: 'FailedCreate' })
    await cluster.pass(10)
    const failures = (await cluster.admin.of(Event).list({ namespace: 'default' })).items.filter(({ reason }) => reason === 'FailedCreate')
    expect(failures).toHaveLength(1)
    expect(failures[0]?.count).toBeLessThan(20)
    expect(await cluster.tasks()).toEqual([])
    await cluster.admin.raw({
      method: 'PATCH',
      path: '/api/v1/namespaces/default',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { metadata: { labels: { 'millrace.dev/security': 'privileged' } } },
    })
    await cluster.until(async () => expect((await counts(cluster))[0]).toBe(100))
    expect((await set(cluster)).status?.conditions ?? []).toEqual([])
  })
})
