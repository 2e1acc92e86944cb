/** Every numbered manifest, applied as its first comment says, reaches the state that it promises. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { testGuest } from '../../nodeagent/backends/qemu/fixtures/test-guest.js'
import { importProgram } from './import-program.js'
import { type OneMachine, oneMachine, root } from './one-machine.js'

const isLong = process.env.MILLRACE_TEST_LONG === '1'
const manifests = readdirSync(path.join(root, 'manifests')).sort()
const tested = new Set<string>()

let machine: OneMachine

async function apply(file: string): Promise<void> {
  tested.add(file)
  const applied = await machine.kubectlLite('apply', '-f', path.join(root, 'manifests', file))
  expect(applied, file).toMatchObject({ code: 0, err: '' })
}

async function phase(task: string, wanted: string): Promise<void> {
  const result = await machine.kubectlLite('wait', `task/${task}`, `--for=jsonpath={.status.phase}=${wanted}`, '--timeout=90s')
  if (result.code !== 0)
    throw new Error(`${task} is not ${wanted}: ${result.err}\n${(await machine.kubectlLite('describe', 'task', task)).out}`)
}

const logs = async (task: string, ...flags: string[]) => (await machine.kubectlLite('logs', task, ...flags)).out
const field = async (task: string, at: string) => (await machine.kubectlLite('get', 'task', task, '-o', `jsonpath={${at}}`)).out

async function start(backends: string, env: Record<string, string> = {}): Promise<void> {
  machine = await oneMachine({ env })
  const started = await machine.launch('up', '--backends', backends)
  expect(started.code, started.err).toBe(0)
}

describe('manifests that need only the process backend', () => {
  beforeAll(async () => await start('process'))
  afterAll(async () => await machine[Symbol.asyncDispose]())

  it('01-hello says hello', async () => {
    await apply('01-hello.yaml')
    await phase('hello', 'Succeeded')
    expect(await logs('hello')).toMatch(/^hello from .*\nworking, step 1\nworking, step 2\nworking, step 3\ndone\n$/)
  })

  it('02-settings gets its settings from a ConfigMap and a Secret', async () => {
    await apply('02-settings.yaml')
    await phase('settings', 'Succeeded')
    expect(await logs('settings')).toBe(
      'good morning, world\nthe password has 28 characters\nThe current does the work.\nfiles with the secret: password\n',
    )
  })

  it('03-restarts starts again what failed, ends what is too slow, and keeps what is alive', async () => {
    await apply('03-restarts.yaml')
    await phase('flaky', 'Succeeded')
    expect(await field('flaky', '.status.restarts')).toBe('1')
    expect(await logs('flaky', '--previous')).toBe('try 1\n')
    await phase('too-slow', 'Failed')
    expect(await field('too-slow', '.status.conditions[?(@.type=="Complete")].reason')).toBe('DeadlineExceeded')
    expect((await machine.kubectlLite('wait', 'task/alive', '--for=condition=Ready', '--timeout=90s')).code).toBe(0)
  })

  it('08-placement waits for a node with the label, and says so', async () => {
    await apply('08-placement.yaml')
    await eventually(async () => expect((await machine.kubectlLite('why', 'task/picky')).out).toContain('lacks label disk=fast'), {
      intervalMs: 200,
    })
    const waiting = /task "picky" is waiting to start: it is not bound to a node \(.*lacks label disk=fast.*\)/
    expect(await machine.kubectlLite('logs', 'picky')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(waiting) })
    const followed = machine.kubectlLite('logs', '-f', 'picky')
    expect((await machine.kubectlLite('label', 'node', '--all', 'disk=fast')).code).toBe(0)
    await phase('picky', 'Succeeded')
    expect((await followed).code).toBe(0)
    expect((await followed).out).toBe(await logs('picky'))
  })

  it('10-deployment keeps its Tasks, rolls a change out and goes back', async () => {
    const greetings = async () => {
      const names = (await machine.kubectlLite('get', 'tasks', '-l', 'app=clock', '-o', 'jsonpath={.items[*].metadata.name}')).out.split(
        ' ',
      )
      return new Set(await Promise.all(names.map(async (name) => `${names.length} ${(await logs(name)).split(',')[0]}`)))
    }
    const settled = async (greeting: string) => {
      expect(await machine.kubectlLite('rollout', 'status', 'deployment/clock', '--timeout=120s')).toMatchObject({ code: 0 })
      await eventually(async () => expect(await greetings()).toEqual(new Set([`3 ${greeting}`])), { intervalMs: 200, timeoutMs: 60_000 })
    }
    await apply('10-deployment.yaml')
    await settled('good day')
    expect(await machine.kubectlLite('set', 'env', 'deployment/clock', 'GREETING=hello')).toMatchObject({ code: 0 })
    await settled('hello')
    expect(await machine.kubectlLite('rollout', 'undo', 'deployment/clock')).toMatchObject({ code: 0 })
    await settled('good day')
    expect((await machine.kubectlLite('delete', '-f', path.join(root, 'manifests/10-deployment.yaml'))).code).toBe(0)
    await eventually(async () => expect((await machine.kubectlLite('get', 'tasks', '-l', 'app=clock', '-o', 'name')).out).toBe(''), {
      intervalMs: 200,
      timeoutMs: 60_000,
    })
  })

  it('09-own-kind defines a kind, and makes the first of it', async () => {
    await apply('09-own-kind.yaml')
    expect((await machine.kubectlLite('get', 'bn')).out).toMatch(/^NAME +COLOR +HEIGHT +LIT +AGE\nnorth +white +10 /)
    expect((await machine.kubectlLite('explain', 'beacon.spec.height')).out).toContain('Metres above the sea.')
    const shrunk = await machine.kubectlLite('patch', 'beacon', 'north', '-p', '{"spec": {"height": 5}}')
    expect(shrunk).toMatchObject({ out: '', err: expect.stringContaining('a beacon of 10 metres does not shrink') })
    expect((await machine.kubectlLite('delete', 'crd', 'beacons.example.com')).code).toBe(0)
  })

  it('11-nightly runs by hand what it would run at night, and says when that is', async () => {
    await apply('11-nightly.yaml')
    expect((await machine.kubectlLite('wait', 'crontask/nightly', '--for=condition=Ready', '--timeout=90s')).code).toBe(0)
    expect((await machine.kubectlLite('create', 'task', 'nightly-now', '--from=crontask/nightly')).code).toBe(0)
    await phase('nightly-now', 'Succeeded')
    expect(await logs('nightly-now')).toBe('the mill is swept\n')
    expect((await machine.kubectlLite('describe', 'crontask', 'nightly')).out).toMatch(/Next Schedules: +\w+ \d+-\d+-\d+ 02:30 \(in /)
    expect((await machine.kubectlLite('delete', 'crontask', 'nightly', '--timeout=90s')).code).toBe(0)
  })

  it('12-budget keeps two of three up while their node is emptied', async () => {
    await apply('12-budget.yaml')
    const budget = ['get', 'pdb', 'turbines', '-o', 'jsonpath={.status.disruptionsAllowed}']
    await eventually(async () => expect((await machine.kubectlLite(...budget)).out).toBe('1'), { intervalMs: 200 })
    const node = await field('turbine-1', '.spec.nodeName')
    const drained = machine.kubectlLite('drain', node, '--force', '--timeout=100s')
    const phases = ['get', 'tasks', '-l', 'example=budget', '-o', 'jsonpath={.items[*].status.phase}']
    const words = async () => (await machine.kubectlLite(...phases)).out.split(' ').sort()
    await eventually(async () => expect(await words()).toEqual(['Failed', 'Running', 'Running']), { intervalMs: 200 })
    expect((await machine.kubectlLite('delete', 'pdb', 'turbines')).code).toBe(0)
    expect(await drained).toMatchObject({ code: 0, out: expect.stringContaining(`node/${node} drained`) })
    expect(await words()).toEqual(['Failed', 'Failed', 'Failed'])
    expect((await machine.kubectlLite('uncordon', node)).code).toBe(0)
  })
})

describe.skipIf(withoutDocker)('manifests that need Docker or QEMU', () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startTestEngine()
    await start('process,docker,qemu', { DOCKER_HOST: `unix://${engine.socketPath}` })
  })
  afterAll(async () => {
    await machine[Symbol.asyncDispose]()
    await engine.close()
  })

  it('04-container runs an image', async () => {
    await apply('04-container.yaml')
    await phase('container', 'Succeeded')
    expect(await logs('container')).toContain('hello from a container')
  })

  it('05-limits ends what takes too much memory', async () => {
    await apply('05-limits.yaml')
    await phase('modest', 'Succeeded')
    await phase('greedy', 'Failed')
    expect(await field('greedy', '.status.oomKilled')).toBe('true')
  })

  it('06-files gives a container its files', async () => {
    await apply('06-files.yaml')
    await phase('files', 'Succeeded')
    expect(await logs('files')).toBe('<h1>made of a ConfigMap</h1>\n400 /keys/key.pem\nown\n')
  })

  it('07-service becomes ready, and outlives down and up', async () => {
    await apply('07-service.yaml')
    expect((await machine.kubectlLite('wait', 'task/web', '--for=condition=Running', '--timeout=90s')).code).toBe(0)
    const before = await field('web', '.status.runtimeId')
    expect((await machine.launch('down')).code).toBe(0)
    expect((await machine.launch('up')).code).toBe(0)
    await phase('web', 'Running')
    expect(await field('web', '.status.runtimeId')).toBe(before)
    expect(await field('web', '.status.restarts')).toMatch(/^0?$/)
    expect((await machine.kubectlLite('delete', 'task', 'web', '--timeout=90s')).code).toBe(0)
  })

  const vpsIs = async (name: string, phase: string) => {
    const waited = await machine.kubectlLite('wait', `vps/${name}`, `--for=jsonpath={.status.phase}=${phase}`, '--timeout=90s')
    if (waited.code !== 0) throw new Error(`${name} is not ${phase}: ${(await machine.kubectlLite('describe', 'vps', name)).out}`)
  }

  /** SSH at the gateway, with the key that was made for the Vps. */
  const way = async (name: string) => {
    const secret = ['get', 'secret', `${name}-ssh`, '-o', 'jsonpath={.data.ssh-privatekey}']
    await eventually(async () => expect((await machine.kubectlLite(...secret)).out).not.toBe(''))
    const key = path.join(machine.home, `${name}.key`)
    await writeFile(key, Buffer.from((await machine.kubectlLite(...secret)).out, 'base64'), { mode: 0o600 })
    const endpoint = ['get', 'vps', name, '-o', 'jsonpath={.status.sshCommand}']
    await eventually(async () => expect((await machine.kubectlLite(...endpoint)).out).toMatch(/^ssh -p \d+ [\w-]+\.default@127\.0\.0\.1$/))
    const [, ...words] = (await machine.kubectlLite(...endpoint)).out.split(' ')
    return async (command: string) => (await promisify(execFile)('ssh', [...sshOptions(key), ...words, command])).stdout
  }
  const stopAndStart = async (name: string) => {
    for (const [action, phase] of [
      ['stop', 'Stopped'],
      ['start', 'Running'],
    ] as const) {
      expect((await machine.kubectlLite(action, `vps/${name}`)).code).toBe(0)
      await vpsIs(name, phase)
    }
  }

  it('13-dev-box is a machine with a disk, and a key that lets in', async () => {
    await apply('13-dev-box.yaml')
    await vpsIs('dev-box', 'Running')
    const ssh = await way('dev-box')
    await ssh('echo mine > /mine')
    await stopAndStart('dev-box')
    expect(await ssh('cat /mine')).toBe('mine\n')
    expect((await machine.kubectlLite('delete', 'vps', 'dev-box', '--timeout=90s')).code).toBe(0)
  })

  it('14-database answers through its Tunnel, and again when it has died', async () => {
    await importProgram(engine.socketPath, '/usr/bin/redis-server', 'redis:7')
    await apply('14-database.yaml')
    await phase('ledger', 'Running')
    const endpoint = ['get', 'tunnel', 'ledger', '-o', 'jsonpath={.status.endpoint}']
    await eventually(async () => expect((await machine.kubectlLite(...endpoint)).out).toBe('127.0.0.1:30379'))
    await eventually(async () => expect(await redis(30379, 'SET mill race')).toBe('+OK\r\n'))
    expect(await redis(30379, 'GET mill')).toBe('$4\r\nrace\r\n')
    await redis(30379, 'SHUTDOWN NOSAVE')
    await eventually(async () => expect(await redis(30379, 'PING')).toBe('+PONG\r\n'), { timeoutMs: 90_000, intervalMs: 200 })
    expect((await machine.kubectlLite('delete', '-f', path.join(root, 'manifests/14-database.yaml'), '--timeout=90s')).code).toBe(0)
  })

  it('15-nightly-snapshot says when the next one is taken, and takes one when it stops', async () => {
    await apply('15-nightly-snapshot.yaml')
    await vpsIs('archive', 'Running')
    const next = ['get', 'vps', 'archive', '-o', 'jsonpath={.status.snapshots.nextScheduleTime}']
    await eventually(async () => expect((await machine.kubectlLite(...next)).out).toMatch(/T0[12]:00:00Z$/))
    expect((await machine.kubectlLite('exec', 'vps/archive', '--', 'sh', '-c', 'echo old > /state')).code).toBe(0)
    expect((await machine.kubectlLite('stop', 'vps/archive')).code).toBe(0)
    const taken = ['wait', 'vsnap/archive-stop-1', '--for=condition=Ready', '--timeout=90s']
    await eventually(async () => expect((await machine.kubectlLite(...taken)).code).toBe(0))
    expect((await machine.kubectlLite('start', 'vps/archive')).code).toBe(0)
    await vpsIs('archive', 'Running')
    expect((await machine.kubectlLite('exec', 'vps/archive', '--', 'sh', '-c', 'echo new > /state')).code).toBe(0)
    expect((await machine.kubectlLite('restore', 'vps/archive', '--from=archive-stop-1')).code).toBe(0)
    expect(
      (await machine.kubectlLite('wait', 'vps/archive', '--for=jsonpath={.status.restoredFrom.name}=archive-stop-1', '--timeout=90s')).code,
    ).toBe(0)
    await vpsIs('archive', 'Running')
    await eventually(async () => expect((await machine.kubectlLite('exec', 'vps/archive', '--', 'cat', '/state')).out).toBe('old\n'))
    expect((await machine.kubectlLite('delete', 'vps', 'archive', '--timeout=90s')).code).toBe(0)
    expect((await machine.kubectlLite('delete', 'vsnap', '--all', '--timeout=90s')).code).toBe(0)
  })

  it.skipIf(withoutQemu)(
    '16-virtual-machine is set up by its user data (long: and not again when it starts anew)',
    { timeout: 300_000 },
    async () => {
      const guest = await testGuest()
      const [node = ''] = readdirSync(path.join(machine.directory, 'nodes'))
      const images = path.join(machine.directory, 'nodes', node, 'images')
      await mkdir(images, { recursive: true })
      for (const file of readdirSync(guest)) await symlink(path.join(guest, file), path.join(images, file.replace('guest', 'debian-12')))
      await apply('16-virtual-machine.yaml')
      await vpsIs('mill', 'Running')
      const ssh = await way('mill')
      const patient = { timeoutMs: 120_000, intervalMs: 250 }
      const setUp = 'The current does the work.\nset up for miller\nmiller\n'
      const look = 'cat /etc/motd /srv/mill/ready; stat -c %U /srv/mill'
      await eventually(async () => expect(await ssh(look)).toBe(setUp), patient)
      expect(await ssh('cat /home/miller/.ssh/authorized_keys')).toContain('miller@home')
      if (!isLong) return
      await ssh('echo mine > /srv/mill/ready')
      await stopAndStart('mill')
      await eventually(async () => expect(await ssh(look)).toBe(setUp.replace('set up for miller', 'mine')), patient)
      expect((await machine.kubectlLite('delete', 'vps', 'mill', '--timeout=90s')).code).toBe(0)
    },
  )
})

const sshOptions = (key: string) => [
  '-i',
  key,
  ...['IdentitiesOnly=yes', 'BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'].flatMap(
    (option) => ['-o', option],
  ),
]

/** What the server answers to one line, up to the end of the first answer; empty when it breaks. */
function redis(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.end(`${line}\r\n`))
    let answer = ''
    socket.setTimeout(10_000, () => socket.destroy())
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

it.skipIf(withoutDocker)('every manifest has its test', () => {
  expect([...tested].sort()).toEqual(manifests)
})
