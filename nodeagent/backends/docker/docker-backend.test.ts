import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Duplex, Transform } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { ContainerInspectInfo } from 'dockerode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { stopProcess } from '../../../test/processes/stop-process.js'
import { aTask } from '../../fixtures/a-task.js'
import type { RunSpec } from '../backend.js'
import { describeBackend } from '../contract/backend.contract.js'
import type { ContractPrograms } from '../contract/contract-bed.contract.js'
import { expectEchoes } from '../fixtures/expect-echoes.js'
import { helpersOfAgent } from '../fixtures/helpers-of-agent.js'
import { DockerBackend } from './docker-backend.js'
import { Engine } from './engine/engine.js'
import { startTestEngine, type TestEngine, withoutDocker } from './fixtures/test-engine.js'
import { startTestRegistry, type TestRegistry } from './fixtures/test-registry.js'
import { ContainerDoors } from './sessions/container-doors.js'

const shell = (script: string) => ['sh', '-c', script]
const programs: ContractPrograms = {
  exit: (code) => shell(`exit ${code}`),
  sleep: shell('trap "exit 143" TERM; sleep 600 & wait'),
  stubborn: shell('trap "" TERM; echo ready; while :; do sleep 1; done'),
  print: (out, err) => shell(`echo "${out}"; echo "${err}" >&2`),
  printEnv: (name) => shell(`printf '%s\\n' "$${name}"`),
  echo: (port) => ['nc', '-ll', '-p', String(port), '-e', 'cat'],
  missing: ['/no/such/command'],
  hungry: ['tail', '/dev/zero'],
}
/** Containers without it, and users who are not root, may not read it. */
const withoutKernelLog = (() => {
  try {
    accessSync('/dev/kmsg', constants.R_OK)
    return false
  } catch {
    return true
  }
})()

describe.skipIf(withoutDocker)('with a Docker engine', () => {
  let engine: TestEngine
  let registry: TestRegistry
  const signal = AbortSignal.timeout(1_800_000)
  const open = (agent = 'test') => DockerBackend.open({ socketPath: engine.socketPath, agent, network: 'none' })
  const aRun = (uid: string, spec: Parameters<typeof aTask>[0] = {}): RunSpec => ({
    id: { uid, attempt: 0, run: 0 },
    namespace: 'default',
    name: uid,
    spec: { ...aTask(spec).spec, image: engine.image },
    env: {},
    mounts: [],
    logDirectory: '/',
  })
  beforeAll(async () => {
    engine = await startTestEngine()
    registry = await startTestRegistry()
  })
  afterAll(async () => {
    await registry.close()
    await engine.close()
  })

  describeBackend('docker', async () => ({ open, programs, image: engine.image }))

  it.skipIf(withoutKernelLog)('knows by the kernel which run had no memory left, where the engine has missed it', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'millrace-test-'))
    const socketPath = path.join(directory, 'engine')
    const forgetful = createServer((client) => {
      const server = connect(engine.socketPath)
      const forget = new Transform({
        transform: (chunk, _encoding, done) => done(null, String(chunk).replaceAll('"OOMKilled":true', '"OOMKilled":null')),
      })
      void pipeline(client, server).catch(() => {})
      void pipeline(server, forget, client).catch(() => {})
    }).listen(socketPath)
    const backend = await DockerBackend.open({ socketPath, agent: 'test', network: 'none' })
    const hungry = aRun('hungry', { spec: { command: [...programs.hungry], resources: { limits: { memory: '32Mi' } } } })
    const failing = aRun('failing', { spec: { command: [...programs.exit(3)], resources: { limits: { memory: '32Mi' } } } })
    for (const run of [hungry, failing]) await backend.start(run, signal)
    const exitOf = async (uid: string) => (await backend.observe(signal, uid))[0]?.exit?.oomKilled
    await eventually(async () => expect(await exitOf('hungry')).toBe(true))
    await eventually(async () => expect(await exitOf('failing')).toBe(false))
    for (const { id } of [hungry, failing]) await backend.remove(id, signal)
    await backend.close()
    forgetful.close()
    await rm(directory, { recursive: true })
  })

  describe('an image', () => {
    it('that is present is not pulled, unless it is to be', async () => {
      const backend = await open()
      const said: string[] = []
      await backend.prepareImage(engine.image, 'IfNotPresent', (text) => said.push(text), signal)
      await backend.prepareImage(engine.image, 'Never', (text) => said.push(text), signal)
      expect(said).toEqual([])
      await backend.close()
    })

    it('is pulled, and its layers are counted', async () => {
      const backend = await open()
      const image = `${registry.address}/app:1`
      const said: string[] = []
      await expect(backend.prepareImage(image, 'Never', () => {}, signal)).rejects.toMatchObject({
        reason: 'ImageNotFound',
        message: expect.stringContaining('Never'),
      })
      await backend.prepareImage(image, 'IfNotPresent', (text) => said.push(text), signal)
      expect(said.at(0)).toBe(`pulling ${image}`)
      expect(said.at(-1)).toBe(`pulling ${image}: 1 of 1 layers`)
      await backend.prepareImage(image, 'Never', () => {}, signal)
      expect((await backend.info(signal)).images?.flatMap(({ names }) => names)).toContain(image)
      await backend.close()
    })

    it.each([
      ['app:2', 'ImageNotFound', 'has no image'],
      ['closed/app:1', 'ImagePullFailed', 'does not let this node pull'],
    ])('%s that cannot be pulled says why', async (name, reason, words) => {
      const backend = await open()
      const pulled = backend.prepareImage(`${registry.address}/${name}`, 'Always', () => {}, signal)
      await expect(pulled).rejects.toMatchObject({ reason, retryable: true, message: expect.stringContaining(words) })
      await backend.close()
    })

    it('of a registry that cannot be reached says so', async () => {
      const backend = await open()
      const pulled = backend.prepareImage('127.0.0.1:1/app:1', 'Always', () => {}, signal)
      await expect(pulled).rejects.toMatchObject({ reason: 'ImagePullFailed', message: expect.stringContaining('could not be reached') })
      await backend.close()
    })
  })

  describe.skipIf(process.getuid?.() !== 0)('the ways into a container', () => {
    let backend: DockerBackend
    const uids = ['one', 'other']
    const docker = (...args: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])
    const inspect = async (uid: string): Promise<ContainerInspectInfo> => {
      const runtimeId = (await backend.observe(signal, uid))[0]?.runtimeId ?? ''
      return (JSON.parse((await docker('inspect', runtimeId)).stdout) as [ContainerInspectInfo])[0]
    }
    const helpers = () => helpersOfAgent('open-sockets.pl')
    /** Runs a program of the machine's in the network of a container. */
    const runInside = async (uid: string, ...command: string[]) =>
      spawn('nsenter', ['-t', String((await inspect(uid)).State.Pid), '-n', ...command], { stdio: 'inherit' })
    const echoes = async (connection: Duplex) => {
      connection.end('hello')
      return text(connection)
    }

    beforeAll(async () => {
      backend = await open('ways')
      for (const uid of uids) {
        const run = aRun(uid, { spec: { command: programs.echo(7000) } })
        await backend.start(run, signal)
        await eventually(async () => expect(await echoes(await backend.dialPort(run.id, 7000, 'tcp', signal))).toBe('hello'))
      }
    })
    afterAll(async () => {
      for (const uid of uids) await backend.remove(aRun(uid).id, signal)
      await backend.close()
      await eventually(async () => expect(await helpers()).toEqual([]))
    })

    it('cost one process a container, which may do nothing, however many connections there are', async () => {
      const container = await inspect('one')
      const doors = new ContainerDoors()
      const before = await helpers()
      const connections = await Promise.all(
        Array.from({ length: 100 }, () => doors.dial(container, 7000, 'tcp', AbortSignal.timeout(60_000))),
      )
      const added = (await helpers()).filter(({ pid }) => !before.some((known) => known.pid === pid))
      const nothing = '0000000000000000'
      expect(added.map(({ status }) => status)).toMatchObject([
        {
          Uid: '65534\t65534\t65534\t65534',
          Groups: expect.stringMatching(/^(65534)? *$/),
          NoNewPrivs: '1',
          CapPrm: nothing,
          CapBnd: nothing,
        },
      ])
      doors.close()
      for (const connection of connections) expect(await echoes(connection)).toBe('hello')
      await eventually(async () => expect((await helpers()).length).toBe(before.length))
    })

    it('close when nobody asks, and the one that was used longest ago when another is wanted', async () => {
      const [one, other] = [await inspect('one'), await inspect('other')]
      const before = (await helpers()).length
      const single = new ContainerDoors({ most: 1 })
      for (const container of [one, other, one]) {
        expect(await echoes(await single.dial(container, 7000, 'tcp', signal))).toBe('hello')
        await eventually(async () => expect(await helpers()).toHaveLength(before + 1))
      }
      single.close()
      const hasty = new ContainerDoors({ idleMs: 50 })
      expect(await echoes(await hasty.dial(one, 7000, 'tcp', signal))).toBe('hello')
      await eventually(async () => expect(await helpers()).toHaveLength(before))
    })

    it('are not taken up by a container that lets connections hang', async () => {
      const [one, other] = [await inspect('one'), await inspect('other')]
      // Its queue takes one connection more than it is told; whoever comes after that waits.
      const listen = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 7002); sleep`
      const server = await runInside('one', 'perl', '-e', listen)
      const single = new ContainerDoors({ most: 1 })
      const queued: Duplex[] = []
      try {
        queued.push(await eventually(() => single.dial(one, 7002, 'tcp', signal)), await single.dial(one, 7002, 'tcp', signal))
        const hangs = single.dial({ ...one, NetworkSettings: { ...one.NetworkSettings, Networks: {} } }, 7002, 'tcp', signal)
        const refused = expect(hangs).rejects.toThrow('port 7002 cannot be connected to: it gave way to another')
        expect(await echoes(await single.dial(other, 7000, 'tcp', signal))).toBe('hello')
        await refused
      } finally {
        for (const connection of queued) connection.destroy()
        single.close()
        server.kill()
      }
    })

    it('end with a helper that is killed, and the next who asks gets another', async () => {
      const container = await inspect('one')
      const doors = new ContainerDoors()
      const before = (await helpers()).map(({ pid }) => pid)
      const open = await doors.dial(container, 7000, 'tcp', signal)
      const killed = (await helpers()).find(({ pid }) => !before.includes(pid))?.pid ?? 0
      process.kill(killed, 'SIGKILL')
      await eventually(async () => expect(await echoes(await doors.dial(container, 7000, 'tcp', signal))).toBe('hello'))
      expect((await helpers()).map(({ pid }) => pid)).not.toContain(killed)
      expect(await echoes(open)).toBe('hello')
      doors.close()
    })

    it('lead into no process but the first of the container, whoever has its number now', async () => {
      const container = await inspect('one')
      const doors = new ContainerDoors()
      const reused = { ...container, State: { ...container.State, Pid: process.pid } }
      await expect(doors.dial(reused, 7000, 'tcp', signal)).rejects.toMatchObject({
        name: 'NotListening',
        message: 'port 7000 cannot be connected to: the container has ended',
      })
      const gone = { ...container, State: { ...container.State, Pid: 4_194_305 } }
      await expect(doors.dial(gone, 7000, 'udp', signal)).rejects.toThrow('udp port 7000 cannot be connected to: the container has ended')
      doors.close()
    })

    it('close with the container', async () => {
      const run = aRun('brief', { spec: { command: programs.echo(7000) } })
      await backend.start(run, signal)
      const before = (await helpers()).length
      await eventually(async () => expect(await echoes(await backend.dialPort(run.id, 7000, 'tcp', signal))).toBe('hello'))
      expect(await helpers()).toHaveLength(before + 1)
      await backend.remove(run.id, signal)
      await eventually(async () => expect(await helpers()).toHaveLength(before))
    })

    it('reach what listens on its own address alone', async () => {
      const container = await inspect('one')
      // A container without a network has no other address than those of its loopback.
      const NetworkSettings = {
        ...container.NetworkSettings,
        Networks: { net: { IPAddress: '127.0.0.2' } },
      } as unknown as ContainerInspectInfo['NetworkSettings']
      const listen = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.2', LocalPort => 7001); while (my $c = $s->accept) { print $c 'here' }`
      const server = await runInside('one', 'perl', '-e', listen)
      const doors = new ContainerDoors()
      try {
        const dial = () => doors.dial({ ...container, NetworkSettings }, 7001, 'tcp', signal)
        expect(await text(await eventually(dial))).toBe('here')
      } finally {
        doors.close()
        server.kill()
      }
    })

    it('carry datagrams to what listens on its loopback', async () => {
      // No image of the test has a program that answers datagrams: one of the machine does, in the network of the container.
      const answer = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 5353); while (1) { my $from = $s->recv(my $said, 65536); $s->send($said, 0, $from) }`
      const answerer = await runInside('one', 'perl', '-e', answer)
      try {
        await expectEchoes(() => backend.dialPort(aRun('one').id, 5353, 'udp', signal))
      } finally {
        answerer.kill()
      }
    })
  })

  it("leaves another agent's containers alone", async () => {
    const [mine, theirs] = [await open('mine'), await open('theirs')]
    const run = aRun('shared', { spec: { command: programs.sleep } })
    await mine.start(run, signal)
    expect(await theirs.observe(signal)).toEqual([])
    expect(await mine.observe(signal)).toHaveLength(1)
    await mine.remove(run.id, signal)
    for (const backend of [mine, theirs]) await backend.close()
  })

  it('an engine that is killed and started again finds the container as it was', async () => {
    const backend = await open('restarted')
    const run = aRun('survivor', { spec: { command: programs.sleep } })
    await backend.start(run, signal)
    const before = await backend.observe(signal)
    await engine.restart()
    expect(await eventually(() => backend.observe(signal))).toEqual(before)
    await backend.stop(run.id, 5000, signal)
    expect((await backend.observe(signal))[0]).toMatchObject({ state: 'exited', exit: { exitCode: 143 } })
    await backend.remove(run.id, signal)
    await backend.close()
  })

  it('an engine that hangs is unavailable after the deadline of the call', async () => {
    const hanging = await Engine.open(engine.socketPath)
    try {
      await stopProcess(engine.pid)
      const call = hanging.call(signal, (options) => hanging.docker.listContainers(options), 300)
      await expect(call).rejects.toMatchObject({ reason: 'BackendUnavailable', message: expect.stringContaining('has not answered') })
    } finally {
      process.kill(engine.pid, 'SIGCONT')
    }
    expect(await hanging.call(signal, (options) => hanging.docker.listContainers(options))).toBeInstanceOf(Array)
  })
})

it('an engine that is not there is unavailable, in words', async () => {
  const backend = await DockerBackend.open({ socketPath: '/nowhere/docker.sock', agent: 'test' })
  expect(await backend.info(AbortSignal.timeout(5000))).toMatchObject({
    available: false,
    message: 'no Docker engine answers at /nowhere/docker.sock',
  })
  await backend.close()
})
