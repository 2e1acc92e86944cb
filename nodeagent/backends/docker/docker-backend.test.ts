import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { stopProcess } from '../../../test/processes/stop-process.js'
import { aTask } from '../../fixtures/a-task.js'
import { type ContractPrograms, describeBackend } from '../backend.contract.js'
import type { RunSpec } from '../backend.js'
import { expectEchoes } from '../fixtures/expect-echoes.js'
import { DockerBackend } from './docker-backend.js'
import { Engine } from './engine.js'
import { startTestEngine, type TestEngine, withoutDocker } from './fixtures/test-engine.js'
import { startTestRegistry, type TestRegistry } from './fixtures/test-registry.js'

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

  it.skipIf(process.getuid?.() !== 0)('datagrams reach what listens on the loopback of a container', async () => {
    const backend = await open()
    const run = aRun('datagrams', { spec: { command: programs.sleep } })
    await backend.start(run, signal)
    const pid = await eventually(async () => {
      const { stdout } = await promisify(execFile)('docker', [
        '-H',
        `unix://${engine.socketPath}`,
        'inspect',
        '-f',
        '{{.State.Pid}}',
        (await backend.observe(signal, 'datagrams'))[0]?.runtimeId ?? '',
      ])
      expect(Number(stdout)).toBeGreaterThan(1)
      return stdout.trim()
    })
    // No image of the test has a program that answers datagrams: one of the machine does, in the network of the container.
    const answer = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 5353); while (1) { my $from = $s->recv(my $said, 65536); $s->send($said, 0, $from) }`
    const answerer = spawn('nsenter', ['-t', pid, '-n', 'perl', '-e', answer], { stdio: 'inherit' })
    try {
      await expectEchoes(() => backend.dialPort(run.id, 5353, 'udp', signal))
    } finally {
      answerer.kill()
      await backend.remove(run.id, signal)
      await backend.close()
    }
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
