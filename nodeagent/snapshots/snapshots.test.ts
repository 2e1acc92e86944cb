/** Snapshots as their users have them: a real API server with streams, two agents, and machines that are containers. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Vps, type VpsManifest } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { systemClock } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { pemOf } from '../../test/e2e/raw-upgrade.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../backends/docker/fixtures/test-engine.js'
import { DockerMachines } from '../backends/docker/machines/docker-machines.js'
import { type AgentFolders, agentFolders, type RunningAgent, startAgent } from '../fixtures/start-agent.js'
import { createNodeStreamHandler } from '../streams/node-stream-server.js'

interface TestNode {
  readonly name: string
  readonly folders: AgentFolders
  agent: RunningAgent
  /** Ends agent and connection, as at a restart: machines go on. */
  stop(): Promise<void>
}

describe.skipIf(withoutDocker)('snapshots of containers', () => {
  let engine: TestEngine
  let cluster: TestCluster
  let admin: Client
  let exports: string
  let nodes: TestNode[]

  beforeAll(async () => {
    engine = await startTestEngine()
    cluster = await testCluster({ tls: true })
    admin = createClient(cluster.admin)
    exports = await mkdtemp(path.join(tmpdir(), 'mr-exports-'))
    for (const name of ['n1', 'n2']) await admin.of(Node).create({ metadata: { name }, spec: {} })
  })
  afterAll(async () => {
    await admin.close()
    await cluster.close()
    await engine.close()
    await rm(exports, { recursive: true, force: true })
  })
  beforeEach(async () => {
    nodes = [await startNode('n1', await agentFolders()), await startNode('n2', await agentFolders())]
  })
  afterEach(async () => {
    for (const vps of (await admin.of(Vps).list()).items) await admin.of(Vps).delete(vps.metadata, { gracePeriodSeconds: 0 })
    for (const snapshot of (await admin.of(VpsSnapshot).list()).items) await admin.of(VpsSnapshot).delete(snapshot.metadata)
    await eventually(async () => {
      expect((await admin.of(Vps).list()).items).toEqual([])
      expect((await admin.of(VpsSnapshot).list()).items).toEqual([])
    })
    for (const { name } of nodes) expect(await onNode(name)).toEqual([])
    for (const node of nodes) {
      await node.stop()
      await node.folders.remove()
    }
  })

  async function startNode(name: string, folders: AgentFolders): Promise<TestNode> {
    const directory = path.join(exports, name)
    const agent = await startAgent(cluster, folders, {
      nodeName: name,
      backends: async () => [],
      machines: async () => [await DockerMachines.open({ socketPath: engine.socketPath, agent: name, directory, network: 'none' })],
    })
    const tls = pemOf(await cluster.configOf(`system:node:${name}`, ['system:nodes']))
    const ending = new AbortController()
    let isConnected = false
    const dialled = dialNodeStreams({
      server: cluster.url,
      path: `/apis/millrace.dev/v1/nodestreams/${name}`,
      tls: () => tls,
      onRequest: createNodeStreamHandler({ ...agent.parts, clock: systemClock }),
      onConnected: () => {
        isConnected = true
      },
      signal: ending.signal,
    })
    await eventually(() => isConnected)
    return {
      name,
      folders,
      agent,
      async stop() {
        ending.abort()
        await dialled
        await agent.stop()
      },
    }
  }

  const at = (name: string) => ({ namespace: 'default', name })
  const nodeOf = (name: string) => nodes.find((node) => node.name === name) as TestNode
  const backendOf = (name: string) => {
    const [backend] = nodeOf(name).agent.parts.machines.values()
    if (!backend) throw new Error('the agent keeps no machines')
    return backend
  }
  const onNode = async (name: string) => (await backendOf(name).observeSnapshots(AbortSignal.timeout(60_000))).map(({ uid }) => uid)
  const create = (name: string, nodeName: string, spec: Partial<VpsManifest['spec']> = {}) =>
    admin.of(Vps).create({ metadata: at(name), spec: { nodeName, image: engine.image, terminationGracePeriodSeconds: 5, ...spec } })
  const told = (name: string, status: object) =>
    eventually(async () => {
      const vps = await admin.of(Vps).get(at(name))
      expect(vps.status, JSON.stringify(vps.status)).toMatchObject(status)
      return vps
    })
  const take = async (name: string, vpsName: string) => {
    await admin.of(VpsSnapshot).create({ metadata: at(name), spec: { vpsName, message: 'as it was' } })
    return ready(name)
  }
  const ready = (name: string) =>
    eventually(async () => {
      const snapshot = await admin.of(VpsSnapshot).get(at(name))
      expect(snapshot.status, JSON.stringify(snapshot.status)).toMatchObject({ phase: 'Ready' })
      return snapshot
    })
  const sh = async (vps: Vps, command: string) => {
    const order = { command: ['sh', '-c', command], stdin: false, tty: false }
    const session = await backendOf(vps.spec.nodeName ?? '').openMachineExec(vps.metadata.uid, order, AbortSignal.timeout(60_000))
    const [out] = await Promise.all([text(session.stdout), session.ended])
    return out
  }

  it('are taken while it runs, put back what was broken, and outlive their Vps', async () => {
    const vps = await create('dev', 'n1').then(() => told('dev', { phase: 'Running' }))
    await sh(vps, 'echo good > /root/state || (mkdir -p /root && echo good > /root/state)')
    const snapshot = await take('good', 'dev')
    expect(snapshot).toMatchObject({ status: { backend: 'docker', vpsUid: vps.metadata.uid, takenAt: expect.any(String) } })
    await sh(vps, 'echo broken > /root/state')
    await admin.of(Vps).mergePatch(at('dev'), { spec: { restoreFrom: { name: 'good', request: '1' } } })
    const restored = await told('dev', { phase: 'Running', restoredFrom: { name: 'good', request: '1' } })
    expect(await sh(restored, 'cat /root/state')).toBe('good\n')
    expect(findCondition(restored, 'Restored')).toMatchObject({ status: 'True' })
    await admin.of(Vps).delete(at('dev'), { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]))
    expect(await onNode('n1')).toEqual([snapshot.metadata.uid])
  })

  it('that go leave the others', async () => {
    const vps = await create('dev', 'n1').then(() => told('dev', { phase: 'Running' }))
    await sh(vps, 'echo 1 > /state')
    await take('first', 'dev')
    await sh(vps, 'echo 2 > /state')
    const second = await take('second', 'dev')
    await admin.of(VpsSnapshot).delete(at('first'))
    await eventually(async () => expect(await onNode('n1')).toEqual([second.metadata.uid]))
    await admin.of(Vps).mergePatch(at('dev'), { spec: { restoreFrom: { name: 'second' } } })
    expect(await sh(await told('dev', { phase: 'Running', restoredFrom: { name: 'second' } }), 'cat /state')).toBe('2\n')
  })

  it('travel to another node, and leave nothing on the way', async () => {
    const vps = await create('dev', 'n1').then(() => told('dev', { phase: 'Running' }))
    await sh(vps, 'echo travelled > /state')
    await take('far', 'dev')
    await create('copy', 'n2', { restoreFrom: { name: 'far' } })
    const copy = await told('copy', { phase: 'Running', restoredFrom: { name: 'far' } })
    expect(await sh(copy, 'cat /state')).toBe('travelled\n')
    await eventually(async () => expect(await onNode('n2')).toEqual([]))
    expect(await readdir(nodeOf('n2').agent.paths.transfers)).toEqual([])
  })

  it('of an agent that was ended meanwhile are taken by the next', async () => {
    await create('dev', 'n1').then(() => told('dev', { phase: 'Running' }))
    const node = nodeOf('n1')
    await node.stop()
    await admin.of(VpsSnapshot).create({ metadata: at('later'), spec: { vpsName: 'dev' } })
    nodes = [await startNode('n1', node.folders), nodeOf('n2')]
    const snapshot = await ready('later')
    expect(await onNode('n1')).toEqual([snapshot.metadata.uid])
  })

  it('that are not there say so, and the Vps waits', async () => {
    await create('waits', 'n2', { restoreFrom: { name: 'nothing' } })
    await eventually(async () => {
      const vps = await admin.of(Vps).get(at('waits'))
      expect(findCondition(vps, 'DiskReady')).toMatchObject({ status: 'False', message: 'the VpsSnapshot "nothing" is not there' })
    })
  })

  it('that were removed behind the back of the agent say so', async () => {
    await create('dev', 'n1').then(() => told('dev', { phase: 'Running' }))
    const snapshot = await take('lost', 'dev')
    await backendOf('n1').removeSnapshot(snapshot.metadata.uid, AbortSignal.timeout(60_000))
    // It is asked for again when something of it changes, and from time to time.
    await admin.of(VpsSnapshot).mergePatch(at('lost'), { spec: { message: 'where is it' } })
    await eventually(async () =>
      expect((await admin.of(VpsSnapshot).get(at('lost'))).status).toMatchObject({
        phase: 'Failed',
        conditions: [{ type: 'Ready', status: 'False', reason: 'Lost' }],
      }),
    )
  })
})
