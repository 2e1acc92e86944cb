import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { findCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Vps, type VpsManifest } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { drainTaint } from '../../lib/api/taint-toleration.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'

const at = { namespace: 'default', name: 'v' }
const running = { type: 'Running', status: 'True' as const, reason: 'Started' }

async function withVps(spec: Partial<VpsManifest['spec']> = {}): Promise<ControlledCluster> {
  const cluster = await controlledCluster()
  await cluster.addNode('n1')
  await cluster.admin.of(Vps).create({ metadata: { ...at, labels: { app: 'v' } }, spec: { image: 'busybox', nodeName: 'n1', ...spec } })
  const { status } = await read(cluster)
  const conditions = [...(status?.conditions ?? []), running]
  await cluster.admin.of(Vps).mergePatch(at, { status: { starts: 1, phase: 'Running', conditions } }, { subresource: 'status' })
  return cluster
}
const read = ({ admin }: ControlledCluster) => admin.of(Vps).get(at)
const isGone = async (look: Promise<unknown>) =>
  await look.then(
    () => false,
    (error) => isNotFound(error),
  )
const taint = ({ admin }: ControlledCluster, one: object) => admin.of(Node).mergePatch({ name: 'n1' }, { spec: { taints: [one] } })
const lose = {
  deleted: ({ admin }: ControlledCluster) => admin.of(Node).delete({ name: 'n1' }),
  'out of service': (cluster: ControlledCluster) => taint(cluster, { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }),
}

describe('a Vps whose node', () => {
  it('is silent is Unknown, and stays where it is', async () => {
    await using cluster = await withVps()
    cluster.silence('n1')
    await cluster.until(async () => (await read(cluster)).status?.phase === 'Unknown')
    await cluster.pass(600)
    expect(await read(cluster)).toMatchObject({ spec: { nodeName: 'n1', running: true }, status: { phase: 'Unknown' } })
  })

  it.each(Object.entries(lose))('is %s has failed, and says what to do', async (_name, happens) => {
    await using cluster = await withVps()
    cluster.silence('n1')
    await happens(cluster)
    await cluster.until(async () => (await read(cluster)).status?.phase === 'Failed')
    expect(findCondition(await read(cluster), 'Running')?.message).toMatch(/node n1 was lost, .* from a snapshot/)
  })

  it.each(Object.entries(lose))('is %s can be deleted, and so can its snapshots', async (_name, happens) => {
    await using cluster = await withVps()
    const snapshots = cluster.admin.of(VpsSnapshot)
    await snapshots.create({ metadata: { namespace: 'default', name: 's' }, spec: { vpsName: 'v' } })
    cluster.silence('n1')
    await happens(cluster)
    const snapshot = { namespace: 'default', name: 's' }
    await cluster.until(async () => (await snapshots.get(snapshot)).status?.phase === 'Failed')
    await cluster.admin.of(Vps).delete(at)
    await snapshots.delete(snapshot)
    await cluster.until(async () => (await isGone(read(cluster))) && (await isGone(snapshots.get(snapshot))))
  })

  it('is registered anew is left alone', async () => {
    await using cluster = await withVps()
    await cluster.admin.of(Node).delete({ name: 'n1' })
    await cluster.pass(10)
    await cluster.admin.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    await cluster.restore('n1')
    await cluster.pass(120)
    expect((await read(cluster)).status?.phase).toBe('Running')
  })
})

describe('a Vps of a node that is being emptied', () => {
  it('is stopped, and keeps its node and disk', async () => {
    await using cluster = await withVps()
    await taint(cluster, drainTaint)
    await cluster.until(async () => (await read(cluster)).spec.running === false)
    expect((await read(cluster)).spec.nodeName).toBe('n1')
  })

  it('that tolerates it runs on', async () => {
    await using cluster = await withVps({ tolerations: [{ key: drainTaint.key, operator: 'Exists' }] })
    await taint(cluster, drainTaint)
    await cluster.pass(30)
    expect((await read(cluster)).spec.running).toBe(true)
  })
})
