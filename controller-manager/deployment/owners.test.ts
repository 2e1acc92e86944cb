/** Owners, as Kubernetes treats them: what goes with its owner, what is left behind and adopted, and references that mean nothing. */
import { describe, expect, it } from 'vitest'
import { Deployment } from '../../lib/api/kinds/deployment.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { Task } from '../../lib/api/kinds/task.js'
import { controllerOf, controllerReference } from '../../lib/controller/index.js'
import { type ReplicatedCluster, replicatedCluster, templateOf } from '../fixtures/replicated-cluster.js'

const web = { namespace: 'default', name: 'web' }
const uids = (objects: readonly { metadata: { uid: string } }[]) => objects.map(({ metadata }) => metadata.uid).sort()
const rolledOut = (cluster: ReplicatedCluster, replicas: number) =>
  cluster.runUntil(async () => expect((await cluster.deployment()).status?.availableReplicas).toBe(replicas))

async function withDeployment(): Promise<ReplicatedCluster> {
  const cluster = await replicatedCluster(['garbage-collector'])
  await cluster.addDeployment({ replicas: 2 })
  await rolledOut(cluster, 2)
  return cluster
}

describe('a Deployment that is deleted', () => {
  it.each(['Background', 'Foreground'] as const)('takes its ReplicaSets and their Tasks along (%s)', async (propagationPolicy) => {
    await using cluster = await withDeployment()
    await cluster.admin.of(Deployment).delete(web, { propagationPolicy })
    await cluster.runUntil(async () => expect([await cluster.sets(), await cluster.tasks()]).toEqual([[], []]))
    await cluster.until(async () => await expect(cluster.deployment()).rejects.toThrow(/not found/))
    // Nobody made a Task in place of those that went.
    const { items } = await cluster.admin.of(Event).list({ namespace: 'default' })
    expect(items.filter(({ reason }) => reason === 'SuccessfulCreate')).toHaveLength(2)
  })

  it('leaves them behind where it is asked to, and the next one of the same template adopts them as they are', async () => {
    await using cluster = await withDeployment()
    const [sets, tasks] = [await cluster.sets(), await cluster.tasks()]
    await cluster.admin.of(Deployment).delete(web, { propagationPolicy: 'Orphan' })
    await cluster.until(async () => expect((await cluster.sets()).map((set) => controllerOf(set))).toEqual([undefined]))
    await cluster.pass(10)
    expect(uids(await cluster.tasks())).toEqual(uids(tasks))
    await cluster.addDeployment({ replicas: 2 })
    await rolledOut(cluster, 2)
    expect([uids(await cluster.sets()), uids(await cluster.tasks())]).toEqual([uids(sets), uids(tasks)])
    expect(controllerOf((await cluster.sets())[0] as ReplicaSet)).toMatchObject({ uid: (await cluster.deployment()).metadata.uid })
  })
})

describe('a ReplicaSet', () => {
  it('that leaves its Tasks behind leaves them to the next one', async () => {
    await using cluster = await replicatedCluster(['garbage-collector'])
    await cluster.addSet({ replicas: 2 })
    await cluster.runUntil(async () => expect(await cluster.tasks()).toHaveLength(2))
    const before = uids(await cluster.tasks())
    await cluster.admin.of(ReplicaSet).delete(web, { propagationPolicy: 'Orphan' })
    await cluster.until(async () => expect(await cluster.sets()).toEqual([]))
    const next = await cluster.addSet({ replicas: 2 }, 'next')
    await cluster.until(async () => expect((await cluster.sets())[0]?.status?.replicas).toBe(2))
    expect(uids(await cluster.tasks())).toEqual(before)
    for (const task of await cluster.tasks()) expect(controllerOf(task)).toMatchObject({ uid: next.metadata.uid })
  })

  it('in another namespace owns nothing here: its Task is collected, with an Event, and it makes its own', async () => {
    await using cluster = await replicatedCluster(['garbage-collector'])
    await cluster.admin.of(Namespace).create({ metadata: { name: 'far' }, spec: {} })
    const selector = { matchLabels: { app: 'web' } }
    const far = await cluster.admin
      .of(ReplicaSet)
      .create({ metadata: { namespace: 'far', name: 'web' }, spec: { replicas: 1, selector, template: templateOf('v1') } })
    await cluster.pass(5)
    await cluster.addTask('claims', {}, { labels: { app: 'web' }, ownerReferences: [controllerReference(far)] })
    await cluster.until(async () => expect(await cluster.tasks()).toEqual([]))
    await cluster.until(async () => {
      const { items } = await cluster.admin.of(Event).list({ namespace: 'default' })
      expect(items.filter(({ reason }) => reason === 'OwnerRefInvalidNamespace')).toMatchObject([{ involvedObject: { name: 'claims' } }])
    })
    expect((await cluster.admin.of(Task).list({ namespace: 'far' })).items).toHaveLength(1)
  })

  it.each(['Background', 'Foreground'] as const)(
    'in a circle with its own Task goes, and the Task with it (%s)',
    async (propagationPolicy) => {
      await using cluster = await replicatedCluster(['garbage-collector'])
      await cluster.addSet({ replicas: 1 })
      await cluster.until(async () => expect(await cluster.tasks()).toHaveLength(1))
      const [{ metadata }] = (await cluster.tasks()) as [Task]
      const reference = { apiVersion: Task.apiVersion, kind: 'Task', name: metadata.name, uid: metadata.uid, blockOwnerDeletion: true }
      await cluster.patchSet({ metadata: { ownerReferences: [reference] } })
      await cluster.pass(10)
      expect(uids(await cluster.tasks())).toEqual([metadata.uid])
      await cluster.admin.of(ReplicaSet).delete(web, { propagationPolicy })
      await cluster.runUntil(async () => expect([await cluster.sets(), await cluster.tasks()]).toEqual([[], []]))
    },
  )
})
