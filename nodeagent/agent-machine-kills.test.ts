/**
 * The agent as a process of its own, killed at each step that it takes about a Vps, and the engine killed under it: nothing is made twice,
 * nothing is lost, and a Vps that is deleted leaves nothing.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Vps, type VpsManifest } from '../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../lib/api/kinds/vps-snapshot.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { startTestEngine, type TestEngine, withoutDocker } from './backends/docker/fixtures/test-engine.js'
import { type AgentFolders, agentFolders } from './fixtures/start-agent.js'

const root = path.resolve(import.meta.dirname, '..')
const patience = { timeoutMs: 60_000 }
const isLong = process.env.MILLRACE_TEST_LONG === '1'

describe.skipIf(withoutDocker)('a Vps whose agent or engine is killed', { timeout: 300_000 }, () => {
  let engine: TestEngine
  let cluster: TestCluster
  let admin: Client
  let folders: AgentFolders
  let token: string
  let agent: ChildProcess | undefined
  let events: ChildProcess
  let happened = '\n'
  let images: string

  beforeAll(async () => {
    engine = await startTestEngine()
    cluster = await testCluster()
    admin = createClient(cluster.admin)
    folders = await agentFolders()
    token = (await cluster.configOf('system:node:n1', ['system:nodes'])).token ?? ''
    follow()
    images = await allImages()
  }, 120_000)
  afterAll(async () => {
    await kill()
    events.kill('SIGKILL')
    await admin.close()
    await cluster.close()
    await engine.close()
    await folders.remove()
  }, 120_000)

  /** What the engine does, as `create millrace-vps-UID`. */
  function follow(): void {
    const format = '{{.Action}} {{index .Actor.Attributes "name"}}'
    const filter = ['--filter', 'type=container', '--format', format]
    events = spawn('docker', ['-H', `unix://${engine.socketPath}`, 'events', ...filter], { stdio: ['ignore', 'pipe', 'ignore'] })
    events.stdout?.on('data', (chunk: Buffer) => {
      happened += chunk
    })
  }
  function start(): void {
    const program = path.join(root, 'nodeagent/fixtures/machine-agent.ts')
    const args = ['--import', 'tsx', program, folders.data, folders.work, engine.socketPath, cluster.url]
    agent = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'ignore', 'inherit'] })
    agent.stdin?.write(`${token}\n`)
  }
  async function kill(): Promise<void> {
    if (!agent) return
    const ended = once(agent, 'exit')
    agent.kill('SIGKILL')
    await ended
    agent = undefined
  }
  const docker = (...args: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])
  const containers = async () => (await docker('ps', '-a', '--format', '{{.Names}}')).stdout.split('\n').filter(Boolean)
  /** Those of snapshots too, and what is left of one that was cut off. */
  const allImages = async () => (await docker('images', '-aq', '--no-trunc')).stdout
  const at = (name: string) => ({ namespace: 'default', name })
  const create = async (name: string, spec: Partial<VpsManifest['spec']> = {}) => {
    happened = '\n'
    const vps = { metadata: at(name), spec: { nodeName: 'n1', image: engine.image, terminationGracePeriodSeconds: 5, ...spec } }
    return (await admin.of(Vps).create(vps)).metadata.uid
  }
  const inPhase = (name: string, phase: string, also: object = {}) =>
    eventually(async () => {
      const vps = await admin.of(Vps).get(at(name))
      expect(vps.status, JSON.stringify(vps.status)).toMatchObject({ phase, ...also })
      return vps
    }, patience)
  const isDone = (event: string) => eventually(() => expect(happened).toContain(`\n${event}\n`), { ...patience, intervalMs: 1 })
  const nothingIsLeft = (name: string) =>
    eventually(async () => {
      await expect(admin.of(Vps).get(at(name))).rejects.toMatchObject({ code: 404 })
      expect(await containers()).toEqual([])
      expect(await allImages()).toBe(images)
      expect(await readdir(path.join(folders.data, 'machine-records')).catch(() => [])).toEqual([])
    }, patience)

  it.each([
    ['is looked into', 'create', '.probe'],
    ['was looked into', 'destroy', '.probe'],
    ['is made', 'create', ''],
    ['is started', 'start', ''],
  ])(
    'acceptance check 2: deleted after the agent was killed while its image or disk %s, it leaves nothing',
    async (_step, action, suffix) => {
      const name = `made-${action}${suffix.replace('.', '-')}`
      const uid = await create(name)
      if (!agent) start()
      await isDone(`${action} millrace-vps-${uid}${suffix}`)
      await kill()
      await admin.of(Vps).delete(at(name))
      start()
      await nothingIsLeft(name)
    },
  )

  it.each(['kill', 'die', 'destroy'])(
    'acceptance check 14: its deletion ends with nothing left, with the agent killed at "%s"',
    async (action) => {
      const name = `deleted-${action}`
      const uid = await create(name)
      if (!agent) start()
      await inPhase(name, 'Running')
      await admin.of(Vps).delete(at(name))
      await isDone(`${action} millrace-vps-${uid}`)
      await kill()
      start()
      await nothingIsLeft(name)
    },
  )

  it('acceptance check 14: deleted while its engine is away, it leaves nothing once that is back', async () => {
    await create('away')
    if (!agent) start()
    await inPhase('away', 'Running')
    events.kill('SIGKILL')
    await engine.kill()
    // In its place somebody counts how often the agent asks.
    let asked = 0
    await rm(engine.socketPath)
    const silence = createServer((socket) => {
      asked++
      socket.destroy()
    }).listen(engine.socketPath)
    try {
      await admin.of(Vps).delete(at('away'))
      await eventually(() => expect(asked).toBeGreaterThan(2), patience)
      expect((await admin.of(Vps).get(at('away'))).metadata.deletionTimestamp).toBeDefined()
    } finally {
      await new Promise((resolve) => silence.close(resolve))
      await engine.restart()
      follow()
    }
    await nothingIsLeft('away')
  })

  it.each(
    [
      ['taken', 'pause', ''],
      ['taken', 'commit', ''],
      ['put back', 'create', '.next'],
      ['put back', 'destroy', ''],
    ].filter(([, action]) => isLong || action === 'pause' || action === 'create'),
  )(
    'acceptance check 14: deleted with its snapshot after the agent was killed while that was %s, at "%s", it leaves nothing',
    async (what, action, suffix) => {
      const name = `snapshot-${action}`
      const uid = await create(name)
      if (!agent) start()
      await inPhase(name, 'Running')
      await admin.of(VpsSnapshot).create({ metadata: at(name), spec: { vpsName: name } })
      if (what === 'put back') {
        await eventually(async () => expect((await admin.of(VpsSnapshot).get(at(name))).status).toMatchObject({ phase: 'Ready' }), patience)
        happened = '\n'
        await admin.of(Vps).mergePatch(at(name), { spec: { restoreFrom: { name } } })
      }
      await isDone(`${action} millrace-vps-${uid}${suffix}`)
      await kill()
      await admin.of(Vps).delete(at(name))
      await admin.of(VpsSnapshot).delete(at(name))
      start()
      await eventually(() => expect(admin.of(VpsSnapshot).get(at(name))).rejects.toMatchObject({ code: 404 }), patience)
      await nothingIsLeft(name)
    },
  )

  it('acceptance check 7: stopped and started with agents killed on the way, it is the same machine with the same disk', async () => {
    const uid = await create('kept')
    if (!agent) start()
    const first = await inPhase('kept', 'Running')
    await docker('exec', `millrace-vps-${uid}`, 'sh', '-c', 'echo mine > /etc/mine')
    await admin.of(Vps).mergePatch(at('kept'), { spec: { running: false } })
    await isDone(`die millrace-vps-${uid}`)
    await kill()
    await admin.of(Vps).mergePatch(at('kept'), { spec: { running: true } })
    start()
    await inPhase('kept', 'Running', { starts: 2, runtimeId: first.status?.runtimeId })
    expect((await docker('exec', `millrace-vps-${uid}`, 'cat', '/etc/mine')).stdout).toBe('mine\n')
  })

  it('goes on under an engine that is killed, and comes back by itself after a reboot', async () => {
    const before = await inPhase('kept', 'Running')
    await create('stopped')
    await inPhase('stopped', 'Running')
    await admin.of(Vps).mergePatch(at('stopped'), { spec: { running: false } })
    await inPhase('stopped', 'Stopped')
    events.kill('SIGKILL')
    await engine.restart()
    await inPhase('kept', 'Running', { startedAt: before.status?.startedAt, starts: before.status?.starts })
    await kill()
    await engine.reboot()
    follow()
    expect((await docker('ps', '-q')).stdout).toBe('')
    start()
    const after = await eventually(async () => {
      const vps = await admin.of(Vps).get(at('kept'))
      expect(vps.status?.startedAt).not.toBe(before.status?.startedAt)
      expect(vps.status).toMatchObject({ phase: 'Running', runtimeId: before.status?.runtimeId })
      return vps
    }, patience)
    expect((await docker('exec', `millrace-vps-${after.metadata.uid}`, 'cat', '/etc/mine')).stdout).toBe('mine\n')
    await inPhase('stopped', 'Stopped')
    for (const name of ['kept', 'stopped']) await admin.of(Vps).delete(at(name))
    await nothingIsLeft('kept')
    await nothingIsLeft('stopped')
  })
})
