import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import type { ConditionTypeOf } from '../../lib/api/define-kind.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import { Event } from '../../lib/api/kinds/event.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { controllerOf } from '../../lib/controller/index.js'
import { type ReplicatedCluster, replicatedCluster, templateOf } from '../fixtures/replicated-cluster.js'
import { isActive } from '../replica-set/task-state.js'

const changeTo = (image: string) => ({ spec: { template: templateOf(image) } })
const revisionKey = 'deployment.kubernetes.io/revision'

/** Image and number of the sets that have tasks or shall have some. */
const sizes = async (cluster: ReplicatedCluster) =>
  (await cluster.sets())
    .filter(({ spec, status }) => spec.replicas > 0 || status?.replicas)
    .map(({ spec }) => `${spec.template.spec.containers[0]?.image} ${spec.replicas}`)
    .sort()
const condition = async (cluster: ReplicatedCluster, type: ConditionTypeOf<typeof Deployment>) => {
  const { status, reason } = findCondition(await cluster.deployment(), type) ?? {}
  return `${status} ${reason}`
}
/** What `kubectl rollout status` waits for. */
const isRolledOut = async (cluster: ReplicatedCluster) => {
  const { metadata, spec, status = {} } = await cluster.deployment()
  expect(status.observedGeneration).toBe(metadata.generation)
  expect([status.updatedReplicas, status.replicas, status.availableReplicas]).toEqual([spec.replicas, spec.replicas, spec.replicas])
  expect(await condition(cluster, 'Progressing')).toBe('True NewReplicaSetAvailable')
}
const rolledOut = (cluster: ReplicatedCluster) => cluster.runUntil(() => isRolledOut(cluster))
const imagesOf = async (cluster: ReplicatedCluster) =>
  [...new Set((await cluster.tasks()).filter(isActive).map(({ spec }) => spec.image))].sort()
const isVersion = (image: string) => (task: Task) => task.spec.image === image

describe('a Deployment', () => {
  it('makes a ReplicaSet of its template, named after it, and tells how far it is', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 3 })
    await cluster.until(async () =>
      expect((await cluster.deployment()).status).toMatchObject({
        replicas: 3,
        updatedReplicas: 3,
        availableReplicas: 0,
        unavailableReplicas: 3,
      }),
    )
    expect([await condition(cluster, 'Progressing'), await condition(cluster, 'Available')]).toEqual([
      'True ReplicaSetUpdated',
      'False MinimumReplicasUnavailable',
    ])
    await rolledOut(cluster)
    expect(await condition(cluster, 'Available')).toBe('True MinimumReplicasAvailable')
    const [set] = await cluster.sets()
    const hash = set?.metadata.labels?.['pod-template-hash']
    expect(set?.metadata.name).toBe(`web-${hash}`)
    expect(set?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash })
    expect(set && controllerOf(set)).toMatchObject({ kind: 'Deployment', name: 'web' })
    for (const task of await cluster.tasks()) expect(task.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash })
    await cluster.until(async () => expect((await cluster.deployment()).metadata.annotations?.[revisionKey]).toBe('1'))
    const { items } = await cluster.admin.of(Event).list({ namespace: 'default' })
    expect(items.filter(({ reason }) => reason === 'ScalingReplicaSet').map(({ message }) => message)).toEqual([
      `scaled up ReplicaSet ${set?.metadata.name} from 0 to 3`,
    ])
  })

  it('rolls to a new template step by step, and back by what `kubectl rollout undo` sends', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
    await rolledOut(cluster)
    const seen = new Set<string>()
    await cluster.patchDeployment({ ...changeTo('v2'), metadata: { annotations: { 'kubernetes.io/change-cause': 'to v2' } } })
    await cluster.runUntil(async () => {
      seen.add((await sizes(cluster)).join(', '))
      await isRolledOut(cluster)
    })
    expect([...seen]).toEqual(expect.arrayContaining(['v1 4, v2 1', 'v2 4']))
    expect(await imagesOf(cluster)).toEqual(['v2'])
    const setOf = async (image: string) => (await cluster.sets()).find(({ spec }) => spec.template.spec.containers[0]?.image === image)
    expect((await setOf('v2'))?.metadata.annotations).toMatchObject({ [revisionKey]: '2', 'kubernetes.io/change-cause': 'to v2' })

    await cluster.patchDeployment(changeTo('v1'))
    await rolledOut(cluster)
    expect(await imagesOf(cluster)).toEqual(['v1'])
    expect(await cluster.sets()).toHaveLength(2)
    expect((await setOf('v1'))?.metadata.annotations).toMatchObject({
      [revisionKey]: '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    await cluster.until(async () => expect((await cluster.deployment()).metadata.annotations?.[revisionKey]).toBe('3'))
  })

  it('stops at a template that does not become ready, says so after its deadline, and goes on when it is mended', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 4, progressDeadlineSeconds: 60 })
    await rolledOut(cluster)
    await cluster.patchDeployment(changeTo('broken'))
    await cluster.runUntil(
      async () => expect(await condition(cluster, 'Progressing')).toBe('False ProgressDeadlineExceeded'),
      isVersion('broken'),
    )
    expect(await sizes(cluster)).toEqual(['broken 2', 'v1 3'])
    expect((await cluster.deployment()).status?.availableReplicas).toBe(3)
    await cluster.patchDeployment(changeTo('v3'))
    await rolledOut(cluster)
    expect(await imagesOf(cluster)).toEqual(['v3'])
  })

  it('is resized in the middle of a rollout by the share of each template, and paused, and resumed', async () => {
    await using cluster = await replicatedCluster()
    const strategy = { rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } }
    await cluster.addDeployment({ replicas: 6, strategy })
    await rolledOut(cluster)
    await cluster.patchDeployment(changeTo('v2'))
    await cluster.runUntil(async () => expect(await sizes(cluster)).toEqual(['v1 4', 'v2 4']), isVersion('v2'))
    await cluster.patchDeployment({ spec: { replicas: 12, paused: true } })
    await cluster.until(async () => expect(await sizes(cluster)).toEqual(['v1 7', 'v2 7']))
    expect(await condition(cluster, 'Progressing')).toBe('Unknown DeploymentPaused')
    await cluster.patchDeployment(changeTo('v3'))
    await cluster.pass(20)
    expect(await sizes(cluster)).toEqual(['v1 7', 'v2 7'])
    await cluster.patchDeployment({ spec: { paused: null } })
    await rolledOut(cluster)
    expect(await imagesOf(cluster)).toEqual(['v3'])
  })

  it('recreates: nothing new while anything old is there', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 2, strategy: { type: 'Recreate' } })
    await rolledOut(cluster)
    await cluster.patchDeployment(changeTo('v2'))
    await cluster.until(async () => expect((await cluster.tasks()).filter(isActive)).toEqual([]))
    await cluster.pass(30)
    // The old ones are being deleted, and their agent has not ended them.
    expect((await cluster.tasks()).map(({ spec }) => spec.image)).toEqual(['v1', 'v1'])
    await rolledOut(cluster)
    expect(await imagesOf(cluster)).toEqual(['v2'])
  })

  it('keeps as many old sets as its history limit says', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 1, revisionHistoryLimit: 1 })
    await rolledOut(cluster)
    for (const image of ['v2', 'v3', 'v4']) {
      await cluster.patchDeployment(changeTo(image))
      await rolledOut(cluster)
    }
    await cluster.until(async () => expect(await cluster.sets()).toHaveLength(2))
    expect((await cluster.sets()).map(({ metadata }) => metadata.annotations?.[revisionKey]).sort()).toEqual(['3', '4'])
  })

  it('takes another name where its set’s is taken, and adopts a set that matches', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 1 })
    await rolledOut(cluster)
    const [{ metadata, spec }] = (await cluster.sets()) as [ReplicaSet]
    const { name, labels } = metadata
    // Somebody else's, under the name that the present template gives.
    await cluster.admin.of(ReplicaSet).delete({ namespace: 'default', name })
    const other = {
      ...spec,
      replicas: 0,
      template: { ...spec.template, metadata: { labels: { ...spec.template.metadata.labels, other: 'x' } } },
    }
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x', controller: true }]
    await cluster.until(async () => {
      await cluster.admin
        .of(ReplicaSet)
        .delete({ namespace: 'default', name })
        .catch(() => {})
      await cluster.admin.of(ReplicaSet).create({ metadata: { namespace: 'default', name, labels, ownerReferences }, spec: other })
    })
    await rolledOut(cluster)
    expect((await cluster.deployment()).status?.collisionCount).toBe(1)
    // An orphan with the same labels becomes an old set of the Deployment, and loses its tasks.
    await cluster.admin
      .of(ReplicaSet)
      .create({ metadata: { namespace: 'default', name: 'orphan', labels: { app: 'web' } }, spec: { ...other, replicas: 2 } })
    await cluster.until(async () =>
      expect((await cluster.sets()).find((set) => set.metadata.name === 'orphan')?.metadata.ownerReferences).toMatchObject([
        { name: 'web' },
      ]),
    )
    await cluster.runUntil(async () => expect((await cluster.sets()).find((set) => set.metadata.name === 'orphan')?.spec.replicas).toBe(0))
  })

  it('makes no request while nothing happens', async () => {
    await using cluster = await replicatedCluster()
    await cluster.addDeployment({ replicas: 2 })
    await rolledOut(cluster)
    await cluster.pass(20)
    const before = cluster.cluster.store.revision
    await cluster.pass(200)
    const changes = (await cluster.admin.of(Event).list({ namespace: 'default' })).items.filter(
      ({ lastTimestamp }) => Date.parse(lastTimestamp ?? '') > cluster.cluster.clock.now() - 190_000,
    )
    expect(changes).toEqual([])
    // The heartbeats of the node, and nothing else.
    expect(cluster.cluster.store.revision - before).toBeLessThanOrEqual(200 / 5 + 2)
  })
})
