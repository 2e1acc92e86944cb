import { describe, expect, it } from 'vitest'
import { Event } from '../../lib/api/kinds/event.js'
import { Vps, type VpsManifest, type VpsStatus } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { timestamp } from '../../lib/base/clock.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'

const only = ['snapshot-policy']
const at = { namespace: 'default', name: 'v' }
const time = (text: string) => Date.parse(`2026-01-01T${text}Z`)

async function addVps(cluster: ControlledCluster, spec: Partial<VpsManifest['spec']>, status: VpsStatus = { starts: 1 }): Promise<void> {
  await cluster.addNode('n1')
  await cluster.admin.of(Vps).create({ metadata: at, spec: { image: 'busybox', nodeName: 'n1', ...spec } })
  await setStatus(cluster, status)
}
const setStatus = ({ admin }: ControlledCluster, status: VpsStatus) => admin.of(Vps).mergePatch(at, { status }, { subresource: 'status' })
const names = async ({ admin }: ControlledCluster) =>
  (await admin.of(VpsSnapshot).list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)
const told = ({ admin }: ControlledCluster, status: object) =>
  eventually(async () => expect((await admin.of(Vps).get(at)).status).toMatchObject(status))
const moveTo = ({ cluster: { clock } }: ControlledCluster, text: string) => clock.advance(time(text) - clock.now())
const reasons = async ({ admin }: ControlledCluster) =>
  (await admin.of(Event).list({ namespace: 'default' })).items.map(({ reason }) => reason)

async function makeReady({ admin, cluster: { clock } }: ControlledCluster, name: string): Promise<void> {
  const status = { phase: 'Ready' as const, takenAt: timestamp(clock.now()) }
  await admin.of(VpsSnapshot).mergePatch({ namespace: 'default', name }, { status }, { subresource: 'status' })
}
/** What the agent of the node does about one that is being deleted. */
async function letGo({ admin }: ControlledCluster, name: string): Promise<void> {
  await admin.of(VpsSnapshot).mergePatch({ namespace: 'default', name }, { metadata: { finalizers: [] } })
}

describe('the policy of a Vps', () => {
  it('takes a snapshot at each time of the schedule, on the node of the Vps, and keeps as many as it says', async () => {
    await using cluster = await controlledCluster({ only })
    await addVps(cluster, { snapshotPolicy: { keep: 1, schedule: '0 * * * *' } })
    await told(cluster, { snapshots: { nextScheduleTime: '2026-01-01T01:00:00Z' } })
    await moveTo(cluster, '01:00:00')
    const first = `v-${time('01:00:00') / 60_000}`
    await cluster.until(async () => expect(await names(cluster)).toEqual([first]))
    expect(await cluster.admin.of(VpsSnapshot).get({ namespace: 'default', name: first })).toMatchObject({
      metadata: { finalizers: [nodeCleanupFinalizer], labels: { 'millrace.dev/snapshot-cause': 'schedule' } },
      spec: { vpsName: 'v', nodeName: 'n1', message: 'on schedule, for 2026-01-01T01:00:00Z' },
      status: { phase: 'Pending', backend: 'docker', image: 'busybox' },
    })
    await told(cluster, { snapshots: { lastScheduleTime: '2026-01-01T01:00:00Z', nextScheduleTime: '2026-01-01T02:00:00Z' } })
    await makeReady(cluster, first)
    await moveTo(cluster, '02:00:00')
    const second = `v-${time('02:00:00') / 60_000}`
    await cluster.until(async () => expect(await names(cluster)).toEqual([first, second]))
    await makeReady(cluster, second)
    await eventually(async () =>
      expect((await cluster.admin.of(VpsSnapshot).get({ namespace: 'default', name: first })).metadata.deletionTimestamp).toBeTruthy(),
    )
    await letGo(cluster, first)
    await eventually(async () => expect(await names(cluster)).toEqual([second]))
  })

  it('takes one after a stop, once', async () => {
    await using cluster = await controlledCluster({ only })
    const conditions = [{ type: 'Running', status: 'False' as const, reason: 'Stopped' }]
    await addVps(cluster, { running: false, snapshotPolicy: { onStop: true } }, { starts: 2, conditions })
    await told(cluster, { snapshots: { lastStop: 2 } })
    await makeReady(cluster, 'v-stop-2')
    await cluster.admin.of(VpsSnapshot).delete({ namespace: 'default', name: 'v-stop-2' })
    await letGo(cluster, 'v-stop-2')
    await setStatus(cluster, { starts: 3 })
    await eventually(async () => expect(await names(cluster)).toEqual(['v-stop-3']))
  })

  it('takes one after a stop also where an earlier Vps of its name has left one of that start', async () => {
    await using cluster = await controlledCluster({ only })
    const stopped: VpsStatus = { starts: 1, conditions: [{ type: 'Running', status: 'False' as const, reason: 'Stopped' }] }
    const spec = { running: false, snapshotPolicy: { onStop: true } }
    await addVps(cluster, spec, stopped)
    await told(cluster, { snapshots: { lastStop: 1 } })
    await makeReady(cluster, 'v-stop-1')
    const vpses = cluster.admin.of(Vps)
    await vpses.mergePatch(at, { metadata: { finalizers: [] } })
    await vpses.delete(at, { gracePeriodSeconds: 0 })
    const { metadata } = await vpses.create({ metadata: at, spec: { image: 'busybox', nodeName: 'n1', ...spec } })
    await setStatus(cluster, stopped)
    await told(cluster, { snapshots: { lastStop: 1 } })
    expect(await names(cluster)).toEqual(['v-stop-1', `v-stop-1-${metadata.uid.slice(0, 8)}`])
  })

  it('says why the server takes none, and goes on trying', async () => {
    await using cluster = await controlledCluster({ only: [] })
    await addVps(cluster, { snapshotPolicy: { schedule: '0 * * * *' } })
    await setStatus(cluster, { snapshots: { nextScheduleTime: '2026-01-01T00:00:00Z' } })
    await cluster.admin.of(Vps).mergePatch(at, { metadata: { finalizers: ['example.com/hold'] } })
    cluster.startControllers(only)
    await eventually(async () => expect(await reasons(cluster)).toContain('SnapshotAsked'))
  })
})

describe('a VpsSnapshot', () => {
  it.each<[string, object, RegExp]>([
    ['of a Vps that is not there', { vpsName: 'other' }, /spec.vpsName.*there is no such Vps/],
    ['of another node', { vpsName: 'v', nodeName: 'n2' }, /spec.nodeName.*on node n1/],
  ])('%s is refused', async (_name, spec, message) => {
    await using cluster = await controlledCluster({ only: [] })
    await addVps(cluster, {})
    await expect(
      cluster.admin.of(VpsSnapshot).create({ metadata: { namespace: 'default', name: 's' }, spec: spec as { vpsName: string } }),
    ).rejects.toThrow(message)
  })

  it('of a machine that was never started is refused', async () => {
    await using cluster = await controlledCluster({ only: [] })
    await addVps(cluster, {}, {})
    const created = cluster.admin.of(VpsSnapshot).create({ metadata: { namespace: 'default', name: 's' }, spec: { vpsName: 'v' } })
    await expect(created).rejects.toThrow(/never started/)
  })

  it('stays what it is of, and may get another message', async () => {
    await using cluster = await controlledCluster({ only: [] })
    await addVps(cluster, {})
    const snapshots = cluster.admin.of(VpsSnapshot)
    const name = { namespace: 'default', name: 's' }
    await snapshots.create({ metadata: name, spec: { vpsName: 'v' } })
    await expect(snapshots.mergePatch(name, { spec: { vpsName: 'w' } })).rejects.toThrow(/may not be changed/)
    expect((await snapshots.mergePatch(name, { spec: { message: 'before the upgrade' } })).spec.message).toBe('before the upgrade')
  })
})
