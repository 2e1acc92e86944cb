import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { Vps, type VpsManifest } from '../lib/api/kinds/vps.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { startTestEngine, type TestEngine, withoutDocker } from './backends/docker/fixtures/test-engine.js'
import { DockerMachines } from './backends/docker/machines/docker-machines.js'
import type { MachineBackend } from './backends/machine-backend.js'
import { type AgentFolders, agentFolders, type RunningAgent, startAgent } from './fixtures/start-agent.js'

describe.skipIf(withoutDocker)('Vpses in containers', () => {
  let engine: TestEngine
  let cluster: TestCluster
  let admin: Client
  let folders: AgentFolders
  let snapshots: string
  let agent: RunningAgent

  const start = () =>
    startAgent(cluster, folders, {
      backends: async () => [],
      machines: async () => [
        await DockerMachines.open({ socketPath: engine.socketPath, agent: 'test', directory: snapshots, network: 'none' }),
      ],
    })

  beforeAll(async () => {
    engine = await startTestEngine()
    cluster = await testCluster()
    admin = createClient(cluster.admin)
    snapshots = await mkdtemp(path.join(tmpdir(), 'mr-snapshots-'))
  })
  afterAll(async () => {
    await admin.close()
    await cluster.close()
    await engine.close()
    await rm(snapshots, { recursive: true, force: true })
  })
  beforeEach(async () => {
    folders = await agentFolders()
    agent = await start()
  })
  afterEach(async () => {
    for (const vps of (await admin.of(Vps).list()).items) await admin.of(Vps).delete(vps.metadata, { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]))
    await eventually(async () => expect(await containers()).toEqual([]))
    expect(await readdir(agent.paths.machineRecords).catch(() => [])).toEqual([])
    await agent.stop()
    await folders.remove()
  })

  const docker = (...args: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])
  const containers = async () => (await docker('ps', '-aq')).stdout.split('\n').filter(Boolean)
  const at = (name: string) => ({ namespace: 'default', name })
  const create = (name: string, spec: Partial<VpsManifest['spec']> = {}) =>
    admin.of(Vps).create({
      metadata: at(name),
      spec: { nodeName: 'n1', image: engine.image, terminationGracePeriodSeconds: 5, ...spec },
    })
  const get = (name: string) => admin.of(Vps).get(at(name))
  const change = (name: string, patch: object) => admin.of(Vps).mergePatch(at(name), patch)
  const inPhase = (name: string, phase: string, also: object = {}) =>
    eventually(async () => {
      const vps = await get(name)
      expect(vps.status, JSON.stringify(vps.status)).toMatchObject({ phase, ...also })
      return vps
    })
  const run = async (vps: Vps, command: string) => {
    const [backend] = agent.parts.machines.values() as IterableIterator<MachineBackend>
    if (!backend) throw new Error('the agent keeps no machines')
    const order = { command: ['sh', '-c', command], stdin: false, tty: false }
    const session = await backend.openMachineExec(vps.metadata.uid, order, AbortSignal.timeout(60_000))
    const [out] = await Promise.all([text(session.stdout), session.ended])
    return out
  }

  it('live through a stop and a start with their disk', async () => {
    await create('kept')
    const first = await inPhase('kept', 'Running', { starts: 1 })
    await run(first, 'echo mine > /etc/mine')
    await change('kept', { spec: { running: false } })
    await inPhase('kept', 'Stopped', { stoppedAt: expect.any(String) })
    await change('kept', { spec: { running: true } })
    const again = await inPhase('kept', 'Running', { starts: 2, runtimeId: first.status?.runtimeId })
    expect(await run(again, 'cat /etc/mine')).toBe('mine\n')
    expect(findCondition(again, 'DiskReady')).toMatchObject({ status: 'True' })
  })

  it('are stopped and deleted also where the disk of the agent is full, as that is how room is made', async () => {
    await create('filling')
    await inPhase('filling', 'Running')
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const write = vi.spyOn(agent.parts.machineRecords, 'write').mockRejectedValue(full)
    await change('filling', { spec: { running: false } })
    await inPhase('filling', 'Stopped')
    await admin.of(Vps).delete(at('filling'))
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]))
    expect(write).toHaveBeenCalled()
  })

  it('are restarted once for each time that it is asked for, also by the next agent', async () => {
    await create('restarted')
    await inPhase('restarted', 'Running')
    await change('restarted', { metadata: { annotations: { 'millrace.dev/restartedAt': '1' } } })
    await inPhase('restarted', 'Running', { starts: 2 })
    await agent.stop()
    agent = await start()
    await change('restarted', { spec: { resources: { limits: { memory: '64Mi' } } } })
    await inPhase('restarted', 'Running', { starts: 2, resources: { memory: '64Mi' } })
  })

  it('get other resources while they run, more, less and none', async () => {
    await create('resized', { resources: { limits: { cpu: '500m', memory: '64Mi' } } })
    const first = await inPhase('resized', 'Running', { resources: { cpu: '500m', memory: '64Mi' } })
    await change('resized', { spec: { resources: { limits: { cpu: '1', memory: '128Mi' } } } })
    await inPhase('resized', 'Running', { resources: { cpu: '1', memory: '128Mi' }, startedAt: first.status?.startedAt })
    await change('resized', { spec: { resources: null } })
    await eventually(async () => expect((await get('resized')).status).toMatchObject({ resources: {}, startedAt: first.status?.startedAt }))
  })

  it('that end by themselves are started again, later each time, and say why', async () => {
    await create('ending', { command: ['sh', '-c', 'exit 3'] })
    const vps = await eventually(async () => {
      const current = await get('ending')
      expect(findCondition(current, 'Running')).toMatchObject({ reason: 'CrashLoopBackOff' })
      return current
    })
    expect(vps.status).toMatchObject({ phase: 'Provisioning', starts: 2 })
    expect(findCondition(vps, 'Running')?.message).toContain('its first process ended with exit code 3')
  })

  it('are removed when the API knows them no more, once a complete list has said so', async () => {
    const vps = await create('stray')
    await inPhase('stray', 'Running')
    await agent.stop()
    await change('stray', { metadata: { finalizers: null } })
    await admin.of(Vps).delete(at('stray'))
    expect(await containers()).toHaveLength(1)
    agent = await start()
    await eventually(async () => expect(await containers()).toEqual([]))
    await eventually(() => expect(agent.agent.workloads).toBe(0))
    expect(vps.metadata.uid).toBeDefined()
  })

  it('whose disk is removed behind the back of the agent are not made anew as if nothing had been', async () => {
    await create('lost')
    const vps = await inPhase('lost', 'Running')
    await docker('rm', '-f', vps.status?.runtimeId ?? '')
    const lost = await inPhase('lost', 'Failed')
    expect(findCondition(lost, 'DiskReady')).toMatchObject({ status: 'False', reason: 'DiskLost' })
    expect(await containers()).toEqual([])
  })

  it('wait for an image that is not there, and say so', async () => {
    await create('no-image', { image: 'local/machine:1', imagePullPolicy: 'Never' })
    await eventually(async () =>
      expect(findCondition(await get('no-image'), 'ImageReady')).toMatchObject({ status: 'False', reason: 'ImageNotFound' }),
    )
    await docker('tag', engine.image, 'local/machine:1')
    await inPhase('no-image', 'Running')
  })
})
