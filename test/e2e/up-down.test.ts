/**
 * `npm run up` and `down` on real processes: what they find again, what they leave alone, and what they say when something is in the way.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRunning } from '../../launcher/process-identity.js'
import { eventually } from '../../lib/testing/eventually.js'
import { agentPaths } from '../../nodeagent/files/agent-paths.js'
import { freePort } from '../processes/free-port.js'
import { type OneMachine, oneMachine, root, run } from './one-machine.js'

describe('a cluster', () => {
  let machine: OneMachine
  let port: number
  beforeAll(async () => {
    machine = await oneMachine()
    port = await freePort()
    const started = await machine.launch('up', '--port', String(port), '--backends', 'process')
    expect(started.code, started.err).toBe(0)
    expect(started.out).toContain(`The cluster is ready on port ${port}`)
    await machine.kubectlLite('label', 'namespace', 'default', 'millrace.dev/security=privileged', '--overwrite')
  })
  afterAll(async () => await machine[Symbol.asyncDispose]())

  it('belongs to its user alone', () => {
    expect(statSync(machine.directory).mode & 0o777).toBe(0o700)
    expect(statSync(`${machine.directory}/admin.kubeconfig`).mode & 0o777).toBe(0o600)
  })

  it('is found running by a second up, which starts nothing', async () => {
    const before = machine.running()
    const again = await machine.launch('up')
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining(`runs already, on port ${port}`) })
    expect(machine.running()).toEqual(before)
  })

  it('does not move or change while it runs', async () => {
    expect(await machine.launch('up', '--port', '1')).toMatchObject({ code: 1, err: expect.stringContaining('end it first: npm run down') })
    expect(await machine.launch('up', '--backends', 'docker')).toMatchObject({
      code: 1,
      err: expect.stringContaining('runs with --backends'),
    })
  })

  it.each(['apiserver', 'scheduler', 'controller-manager', 'nodeagent', 'gateway'])(
    'survives kill -9 of its %s: up starts it again, and the rest goes on',
    async (program) => {
      const before = machine.running()
      const { [program]: killed, ...others } = before
      if (!killed) throw new Error(`${program} should run`)
      process.kill(killed.pid, 'SIGKILL')
      await eventually(() => expect(Object.keys(machine.running())).not.toContain(program))
      const again = await machine.launch('up')
      expect(again.code, again.err).toBe(0)
      expect(again.out).toContain(`Starting what is missing: ${program}`)
      expect(machine.running()).toMatchObject(others)
      expect(machine.running()[program]?.pid).not.toBe(killed.pid)
      const name = `after-${program}`
      expect((await machine.kubectlLite('run', name, '--', 'echo', 'still here')).code).toBe(0)
      expect(await machine.kubectlLite('wait', `task/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=90s')).toMatchObject({
        code: 0,
        err: '',
      })
      expect(await machine.kubectlLite('logs', name)).toEqual({ code: 0, out: 'still here\n', err: '' })
    },
  )

  it('started by another build is started anew by up; its workloads go on', async () => {
    await machine.kubectlLite('run', 'lasting', '--', 'sleep', '600')
    const runtime = async () =>
      (await machine.kubectlLite('get', 'task', 'lasting', '-o', 'jsonpath={.status.phase} {.status.runtimeId} {.status.restarts}')).out
    await machine.kubectlLite('wait', 'task/lasting', '--for=condition=Running', '--timeout=90s')
    const task = await runtime()
    const { 'controller-manager': current, ...outdated } = machine.running()
    for (const { program, ...record } of Object.values(outdated))
      writeFileSync(`${machine.directory}/run/${program}.json`, JSON.stringify({ ...record, program, build: 'another' }))
    const again = await machine.launch('up')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain('Another build started apiserver, scheduler, nodeagent, gateway: starting anew with this one')
    const after = machine.running()
    expect(after['controller-manager']).toEqual(current)
    for (const program of Object.keys(outdated)) expect(after[program]?.pid).not.toBe(outdated[program]?.pid)
    expect(Object.values(outdated).filter(isRunning)).toEqual([])
    expect(await runtime()).toBe(task)
    expect(task).toMatch(/^Running \d+ 0?$/)
    expect((await machine.launch('up')).out).toContain('runs already')
    expect((await machine.kubectlLite('delete', 'task', 'lasting', '--grace-period=0', '--timeout=90s')).code).toBe(0)
  })

  it('ends what it started and no other process, and is found again with all its objects', async () => {
    const bystander = await machine.kubectlLite('run', 'bystander', '--', 'true')
    expect(bystander.code).toBe(0)
    const before = Object.values(machine.running())
    // A record that names a living process which up did not start: it has the pid of this test, and another start time.
    const { scheduler } = machine.running()
    if (!scheduler) throw new Error('the scheduler should run')
    process.kill(scheduler.pid, 'SIGKILL')
    await eventually(() => expect(Object.keys(machine.running())).not.toContain('scheduler'))
    writeFileSync(`${machine.directory}/run/scheduler.json`, JSON.stringify({ ...scheduler, pid: process.pid }))
    const ended = await machine.launch('down')
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('Ended gateway, nodeagent, controller-manager, apiserver.') })
    expect(machine.running()).toEqual({})
    expect(before.filter(isRunning)).toEqual([])
    expect(await machine.launch('down')).toMatchObject({ code: 0, out: expect.stringContaining('Nothing of the cluster') })
    const again = await machine.launch('up')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain(`port ${port}`)
    expect((await machine.kubectlLite('get', 'task', 'bystander', '-o', 'name')).out).toBe('task.millrace.dev/bystander\n')
  })

  it('stops process Tasks gracefully when it ends', async () => {
    const mark = path.join(machine.folder, 'graceful')
    const script = `trap 'echo ended > ${mark}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`
    // The Task may run as a user of its own.
    writeFileSync(mark, '', { mode: 0o666 })
    chmodSync(mark, 0o666)
    chmodSync(machine.folder, 0o755)
    await machine.kubectlLite('run', 'graceful', '--', 'sh', '-c', script)
    await eventually(async () => expect((await machine.kubectlLite('logs', 'graceful')).out).toContain('ready'), { intervalMs: 200 })
    expect((await machine.launch('down')).code).toBe(0)
    expect(readFileSync(mark, 'utf8')).toBe('ended\n')
    expect((await machine.launch('up')).code).toBe(0)
  })

  it('can be moved to another port, and given hollow nodes, while it does not run', async () => {
    expect((await machine.launch('down')).code).toBe(0)
    const moved = await freePort()
    const again = await machine.launch('up', '--port', String(moved), '--hollow-nodes', '2')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain(`ready on port ${moved}`)
    const nodes = await machine.kubectlLite('wait', 'node', '--all', '--for=condition=Ready', '--timeout=90s')
    expect(nodes.out.match(/condition met/g)).toHaveLength(3)
    // Nobody is left who only looks ready: work still gets done.
    expect((await machine.kubectlLite('run', 'moved', '--target', hostName(nodes.out), '--', 'true')).code).toBe(0)
    expect(await machine.kubectlLite('wait', 'task/moved', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=90s')).toMatchObject({
      code: 0,
      err: '',
    })
  })

  it('is gone after --purge, with what its agent left running when it was killed', async () => {
    const [node = ''] = readdirSync(`${machine.directory}/nodes`)
    const { work } = await agentPaths({ data: `${machine.directory}/nodes/${node}`, asRoot: process.getuid?.() === 0 })
    expect((await machine.kubectlLite('run', 'left', '--target', node, '--', 'sleep', '600')).code).toBe(0)
    await machine.kubectlLite('wait', 'task/left', '--for=condition=Running', '--timeout=90s')
    const { out: pid } = await machine.kubectlLite('get', 'task', 'left', '-o', 'jsonpath={.status.runtimeId}')
    for (const program of Object.values(machine.running())) process.kill(program.pid, 'SIGKILL')
    await eventually(() => expect(machine.running()).toEqual({}))
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n')
    expect(existsSync(work)).toBe(true)
    expect(await machine.launch('down', '--purge')).toMatchObject({ code: 0, out: expect.stringContaining(`Removed ${machine.directory}`) })
    expect(() => statSync(machine.directory)).toThrow('ENOENT')
    expect(existsSync(work)).toBe(false)
    await eventually(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'), { timeoutMs: 30_000 })
    expect(await machine.launch('down')).toMatchObject({ code: 0, out: expect.stringContaining('There is no cluster') })
  })
})

describe('what is in the way of a start', () => {
  let machine: OneMachine
  beforeAll(async () => {
    machine = await oneMachine()
  })
  afterAll(async () => await machine[Symbol.asyncDispose]())

  const plain = (text: string) => {
    expect(text).not.toMatch(/^\s+at /m)
    return text
  }

  it('a taken port', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, err } = await machine.launch('up', '--port', String(port))
    server.close()
    expect(code).toBe(1)
    expect(plain(err)).toContain(`Port ${port} is taken by another program. End that program, or choose another port with --port.`)
    expect(machine.running()).toEqual({})
  })

  it('a directory that cannot be used', async () => {
    const file = path.join(machine.folder, 'file')
    writeFileSync(file, '')
    const { code, err } = await run(process.execPath, ['launcher/setup.mjs', 'up', '--data-dir', `${file}/below`])
    expect(code).toBe(1)
    expect(plain(err)).toMatch(/cannot be used: .*Choose another one with --data-dir/)
  })

  it('a directory that holds something else', async () => {
    const folder = path.join(machine.folder, 'photos')
    mkdirSync(folder)
    writeFileSync(`${folder}/holiday.jpg`, '')
    for (const command of ['up', 'down']) {
      const args = ['launcher/setup.mjs', command, '--data-dir', folder, ...(command === 'down' ? ['--purge'] : [])]
      const result = await run(process.execPath, args)
      plain(result.err)
      if (command === 'up')
        expect(result).toMatchObject({ code: 1, err: expect.stringContaining("files that are not a cluster's (holiday.jpg)") })
    }
    expect(statSync(`${folder}/holiday.jpg`).size).toBe(0)
  })

  it('a cluster of another layout, and a damaged record', async () => {
    mkdirSync(machine.directory, { recursive: true })
    writeFileSync(`${machine.directory}/cluster.json`, JSON.stringify({ format: 99, version: '9.9.9' }))
    const newer = await machine.launch('up')
    expect(newer.code).toBe(1)
    expect(plain(newer.err)).toContain('was made by Millrace 9.9.9 (layout 99), and this Millrace reads layout 1')
    writeFileSync(`${machine.directory}/cluster.json`, '{')
    const damaged = await machine.launch('up')
    expect(damaged.code).toBe(1)
    expect(plain(damaged.err)).toContain('is damaged')
    rmSync(machine.directory, { recursive: true })
  })

  it('a first start that was cut off: the next one goes on, or says how to begin anew', async () => {
    const record = {
      format: 1,
      version: '0.1.0',
      port: await freePort(),
      gatewayPort: await freePort(),
      sshPort: await freePort(),
      backends: ['process'],
      hollowNodes: 0,
      nodeName: 'n1',
      complete: false,
    }
    mkdirSync(`${machine.directory}/apiserver/pki`, { recursive: true, mode: 0o700 })
    writeFileSync(`${machine.directory}/cluster.json`, JSON.stringify(record))
    // Cut off in the middle of a file.
    writeFileSync(`${machine.directory}/apiserver/millrace.db`, 'SQLite format 3\0 and no more', { mode: 0o600 })
    const broken = await machine.launch('up')
    expect(broken.code).toBe(1)
    expect(plain(broken.err)).toContain('never went through')
    expect(broken.err).toContain('--purge')
    expect(machine.running()).toEqual({})
    if (process.getuid?.() === 0) {
      const mounted = path.join(machine.directory, 'nodes')
      mkdirSync(mounted, { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted])
      writeFileSync(`${mounted}/of-another-disk`, '')
      const refused = await machine.launch('down', '--purge')
      expect(existsSync(`${mounted}/of-another-disk`)).toBe(true)
      execFileSync('umount', [mounted])
      expect(refused.code).toBe(1)
      expect(plain(refused.err)).toContain(
        `Nothing was ended or removed: in ${machine.directory} something else is mounted, at ${mounted}.`,
      )
    }
    expect((await machine.launch('down', '--purge')).code).toBe(0)
    mkdirSync(machine.directory, { recursive: true, mode: 0o700 })
    writeFileSync(`${machine.directory}/cluster.json`, JSON.stringify(record))
    const whole = await machine.launch('up')
    expect(whole.code, whole.err).toBe(0)
    expect(whole.out).toContain('going on from where it stopped')
  })

  it.each([
    [['--port', 'x'], 2, '--port takes a whole number'],
    [['--backends', 'podman'], 1, '"podman" is not known'],
    [['--prot', '1'], 2, '--prot'],
  ])('a wrong command line: %j', async (args, code, message) => {
    const other = path.join(machine.folder, 'other')
    const result = await run(process.execPath, ['launcher/setup.mjs', 'up', '--data-dir', other, ...args])
    expect(result.code).toBe(code)
    expect(plain(result.err)).toContain(message)
  })
})

describe('what the machine lacks', () => {
  it('is named with the one command that installs it, before anything is started', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millrace-setup-'))
    try {
      for (const name of ['launcher', 'package.json', 'package-lock.json'])
        cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
      const bin = path.join(folder, 'bin')
      mkdirSync(bin)
      for (const name of ['apt-get', 'make']) writeFileSync(`${bin}/${name}`, '#!/bin/sh\n', { mode: 0o755 })
      const { code, err } = await run(process.execPath, ['launcher/setup.mjs', 'quickstart'], { PATH: bin, HOME: folder }, folder)
      expect(code).toBe(1)
      expect(err).toContain('this machine lacks g++ and python3')
      expect(err).toMatch(/\n {2}(sudo )?apt-get install -y g\+\+ python3\n/)
      expect(() => statSync(path.join(folder, 'node_modules'))).toThrow('ENOENT')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** The one node that is not hollow, in the output of wait. */
function hostName(text: string): string {
  return [...text.matchAll(/^node\/(\S+) /gm)].map(([, name = '']) => name).find((name) => !name.startsWith('hollow-')) ?? ''
}
