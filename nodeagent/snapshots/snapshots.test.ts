/** Snapshots as their users have them: a real API server with streams, two agents, and machines. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../backends/docker/fixtures/test-engine.js'
import { DockerMachines } from '../backends/docker/machines/docker-machines.js'
import { machinesOptions } from '../backends/qemu/fixtures/a-machine.js'
import { withoutQemu } from '../backends/qemu/fixtures/guest-kernel.js'
import { testGuest } from '../backends/qemu/fixtures/test-guest.js'
import { QemuMachines } from '../backends/qemu/machines/qemu-machines.js'
import { TwoNodes } from './fixtures/two-nodes.js'

const at = (name: string) => ({ namespace: 'default', name })
const restore = (nodes: TwoNodes, name: string, restoreFrom: object) => nodes.admin.of(Vps).mergePatch(at(name), { spec: { restoreFrom } })

describe.skipIf(withoutDocker)('snapshots of containers', () => {
  let engine: TestEngine
  let exports: string
  let nodes: TwoNodes

  beforeAll(async () => {
    engine = await startTestEngine()
    exports = await mkdtemp(path.join(tmpdir(), 'mr-exports-'))
    nodes = await TwoNodes.start((name) =>
      DockerMachines.open({ socketPath: engine.socketPath, agent: name, directory: path.join(exports, name), network: 'none' }),
    )
  })
  afterEach(() => nodes.clear())
  afterAll(async () => {
    await nodes[Symbol.asyncDispose]()
    await engine.close()
    await rm(exports, { recursive: true, force: true })
  })

  const run = (name: string, nodeName = 'n1', restoreFrom?: { name: string }) =>
    nodes.run(name, nodeName, { image: engine.image, ...(restoreFrom ? { restoreFrom } : {}) })

  it('are taken while it runs, put back what was broken, and outlive their Vps', async () => {
    const vps = await run('dev')
    await nodes.sh(vps, 'echo good > /state')
    const snapshot = await nodes.take('good', 'dev')
    expect(snapshot).toMatchObject({ status: { backend: 'docker', vpsUid: vps.metadata.uid, takenAt: expect.any(String) } })
    await nodes.sh(vps, 'echo broken > /state')
    await restore(nodes, 'dev', { name: 'good', request: '1' })
    const restored = await nodes.told('dev', { phase: 'Running', restoredFrom: { name: 'good', request: '1' } })
    expect(await nodes.sh(restored, 'cat /state')).toBe('good\n')
    expect(findCondition(restored, 'Restored')).toMatchObject({ status: 'True' })
    await nodes.admin.of(Vps).delete(at('dev'), { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await nodes.admin.of(Vps).list()).items).toEqual([]))
    expect(await nodes.snapshotsOn('n1')).toEqual([snapshot.metadata.uid])
  })

  it('that go leave the others', async () => {
    const vps = await run('dev')
    await nodes.sh(vps, 'echo 1 > /state')
    await nodes.take('first', 'dev')
    await nodes.sh(vps, 'echo 2 > /state')
    const second = await nodes.take('second', 'dev')
    await nodes.admin.of(VpsSnapshot).delete(at('first'))
    await eventually(async () => expect(await nodes.snapshotsOn('n1')).toEqual([second.metadata.uid]))
    await restore(nodes, 'dev', { name: 'second' })
    expect(await nodes.sh(await nodes.told('dev', { phase: 'Running', restoredFrom: { name: 'second' } }), 'cat /state')).toBe('2\n')
  })

  const transfers = () => readdir(nodes.agent('n2').paths.transfers).catch(() => [])
  /** How many bytes of a copy have arrived at n2, once more than `before` have. */
  const arrived = (before: number) =>
    eventually(async () => {
      const folder = nodes.agent('n2').paths.transfers
      const parts = (await readdir(folder)).filter((file) => file.endsWith('.part'))
      expect(parts).toHaveLength(1)
      const { size } = await stat(path.join(folder, parts[0] ?? ''))
      expect(size).toBeGreaterThan(before)
      return size
    })
  /** A snapshot of 6 MB. Resolves with what tells its content. */
  const takeLarge = async (name: string) => {
    const vps = await run('dev')
    const content = await nodes.sh(vps, 'head -c 6000000 /dev/urandom > /blob; sha256sum /blob')
    await nodes.take(name, 'dev')
    return content
  }
  const copyOf = (name: string) =>
    nodes.admin.of(Vps).create({
      metadata: at('copy'),
      spec: { nodeName: 'n2', image: engine.image, restoreFrom: { name }, terminationGracePeriodSeconds: 5 },
    })

  it('travel to another node, over the end of the agent that receives and of the one that sends, and leave nothing on the way', async () => {
    const content = await takeLarge('far')
    nodes.asked.length = 0
    nodes.holdCopyAfter(2_000_000)
    await copyOf('far')
    await arrived(0)
    await nodes.stopNode('n2')
    nodes.holdCopyAfter(2_000_000)
    nodes.goOn()
    await nodes.startNode('n2')
    const [, second = 0] = await eventually(() => nodes.asked.length > 1 && nodes.asked)
    await arrived(second)
    await nodes.stopNode('n1')
    nodes.goOn()
    await nodes.startNode('n1')
    const copy = await nodes.told('copy', { phase: 'Running', restoredFrom: { name: 'far' } })
    // Each time it went on behind what had arrived; what arrived is compared with its digest before it is taken.
    const [first, , third = 0, ...more] = nodes.asked
    expect([first, more]).toEqual([0, []])
    expect(second).toBeGreaterThan(0)
    expect(third).toBeGreaterThan(second)
    expect(await nodes.sh(copy, 'sha256sum /blob')).toBe(content)
    await eventually(async () => expect(await nodes.snapshotsOn('n2')).toEqual([]))
    expect(await transfers()).toEqual([])
  })

  it.each(['goes on', 'was ended'])(
    'leave nothing where the Vps that waits for them is deleted on the way, and the agent %s',
    async (fate) => {
      await takeLarge('late')
      nodes.holdCopyAfter(2_000_000)
      await copyOf('late')
      await arrived(0)
      if (fate === 'was ended') await nodes.stopNode('n2')
      await nodes.admin.of(Vps).delete(at('copy'))
      if (fate === 'was ended') await nodes.startNode('n2')
      await eventually(() => expect(nodes.admin.of(Vps).get(at('copy'))).rejects.toMatchObject({ code: 404 }))
      await eventually(async () => expect(await transfers()).toEqual([]))
      nodes.goOn()
    },
  )

  it('of an agent that was ended meanwhile are taken by the next', async () => {
    await run('dev')
    await nodes.stopNode('n1')
    await nodes.admin.of(VpsSnapshot).create({ metadata: at('later'), spec: { vpsName: 'dev' } })
    await nodes.startNode('n1')
    const snapshot = await nodes.ready('later')
    expect(await nodes.snapshotsOn('n1')).toEqual([snapshot.metadata.uid])
  })

  it('that are not there say so, and the Vps waits', async () => {
    const spec = { nodeName: 'n2', image: engine.image, restoreFrom: { name: 'nothing' } }
    await nodes.admin.of(Vps).create({ metadata: at('waits'), spec })
    await eventually(async () => {
      const vps = await nodes.admin.of(Vps).get(at('waits'))
      expect(findCondition(vps, 'DiskReady')).toMatchObject({ status: 'False', message: 'the VpsSnapshot "nothing" is not there' })
    })
  })

  it('that were removed behind the back of the agent say so', async () => {
    await run('dev')
    const snapshot = await nodes.take('lost', 'dev')
    await nodes.backend('n1').removeSnapshot(snapshot.metadata.uid, AbortSignal.timeout(60_000))
    // It is looked for again when something of it changes, and from time to time.
    await nodes.admin.of(VpsSnapshot).mergePatch(at('lost'), { spec: { message: 'where is it' } })
    await eventually(async () =>
      expect((await nodes.admin.of(VpsSnapshot).get(at('lost'))).status).toMatchObject({
        phase: 'Failed',
        conditions: [{ type: 'Ready', status: 'False', reason: 'Lost' }],
      }),
    )
  })
})

/** Four boots. In the short form, the backend's own tests take and restore snapshots of a machine. */
const isLong = process.env.MILLRACE_TEST_LONG === '1'

describe.skipIf(withoutQemu || !isLong)('snapshots of virtual machines', { timeout: 480_000 }, () => {
  it('are put back, and travel to another node', async () => {
    const images = await testGuest()
    await using nodes = await TwoNodes.start((_name, { data }) => QemuMachines.open(machinesOptions(data, images)))
    const machine = {
      backend: 'qemu',
      image: 'guest',
      resources: { limits: { cpu: '1', memory: '160Mi' } },
      ssh: { mode: 'disabled' },
    } as const
    const vps = await nodes.run('dev', 'n1', machine)
    await nodes.sh(vps, 'echo good > /root/state; sync')
    await nodes.take('good', 'dev')
    await nodes.sh(vps, 'echo broken > /root/state; sync')
    const copy = await nodes.run('copy', 'n2', { ...machine, restoreFrom: { name: 'good' } })
    expect(await nodes.sh(copy, 'cat /root/state')).toBe('good\n')
    await eventually(async () => expect(await nodes.snapshotsOn('n2')).toEqual([]))
    await restore(nodes, 'dev', { name: 'good' })
    const restored = await nodes.told('dev', { phase: 'Running', restoredFrom: { name: 'good' } })
    expect(await nodes.sh(restored, 'cat /root/state')).toBe('good\n')
    await nodes.clear()
  })
})
