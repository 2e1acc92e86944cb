import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Node } from '../../lib/api/kinds/node.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'
import { loginOf } from './ssh.js'

const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqIAe8OFmO2ajgC5dYuqI+tKpFfuDbuMebzv1uTRRPg me@home'
let cli: CommandLine
let count = 0
let name = ''
beforeAll(async () => {
  cli = await commandLine()
  await cli.cluster.client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
})
afterAll(() => cli[Symbol.asyncDispose]())
beforeEach(() => {
  name = `dev${count++}`
})

const vpses = () => cli.cluster.client.of(Vps)
const create = (spec: object = {}) => vpses().create({ metadata: { name }, spec: { image: 'debian', nodeName: 'n1', ...spec } })
const report = (status: Vps['status']) => vpses().mergePatch({ name }, { status }, { subresource: 'status' })

describe('create vps', () => {
  it('makes what its flags say', async () => {
    await cli.write('key.pub', `# mine\n${publicKey}\n`)
    await cli.write('user-data', '#cloud-config\n')
    const line = `create vps ${name} --backend qemu --image debian-12 --cpu 2 --memory 4Gi --disk-size 20Gi --firmware uefi --ssh-key key.pub --user-data user-data --stopped`
    expect(await cli.run(line)).toEqual({ code: 0, out: `vps.millrace.dev/${name} created\n`, err: '' })
    expect((await vpses().get({ name })).spec).toMatchObject({
      backend: 'qemu',
      image: 'debian-12',
      running: false,
      diskSize: '20Gi',
      firmware: 'uefi',
      userData: '#cloud-config\n',
      resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } },
      ssh: { mode: 'keys', authorizedKeys: [publicKey] },
    })
  })

  it('waits for the key that is made for it, and writes it to a file that nobody else reads, once', async () => {
    const made = cli.run(`create vps ${name} --image debian --ssh generate`)
    await eventually(() => vpses().get({ name }))
    await cli.cluster.client.of(Secret).create({ metadata: { name: `${name}-ssh` }, stringData: { 'ssh-privatekey': 'a private key' } })
    await report({ conditions: [{ type: 'KeyReady', status: 'True' }] })
    const file = path.join(cli.home, '.ssh', `millrace-${name}.default`)
    const { code, out, err } = await made
    expect({ code, out, err }).toEqual({
      code: 0,
      out: `vps.millrace.dev/${name} created\n`,
      err: `The private key is in ${file}; kubectl-lite ssh vps/${name} takes it from there.\n`,
    })
    expect(await readFile(file, 'utf8')).toBe('a private key')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('says why no key was made', async () => {
    const made = cli.run(`create vps ${name} --image debian --ssh generate`)
    await eventually(() => vpses().get({ name }))
    await report({ conditions: [{ type: 'KeyReady', status: 'False', message: 'Secret s belongs to Vps other' }] })
    expect(await made).toMatchObject({ code: 1, err: expect.stringContaining('Secret s belongs to Vps other') })
  })

  it.each([
    ['--image debian --key-file x', 2, '--key-file needs --ssh generate'],
    ['--image debian --ssh-key private', 2, 'private is a private key: name the public one, often private.pub'],
    ['--image debian --ssh-key absent', 2, 'absent cannot be read'],
    ['--image debian --ssh keys', 6, 'spec.ssh.authorizedKeys: Required value'],
    ['', 2, "required option '--image <image>' not specified"],
  ])('with %j ends with code %d', async (flags, code, message) => {
    await cli.write('private', '-----BEGIN OPENSSH PRIVATE KEY-----\n')
    const result = await cli.run(`create vps ${name} ${flags}`)
    expect(result).toMatchObject({ code, err: expect.stringContaining(message) })
    await expect(vpses().get({ name })).rejects.toThrow('not found')
  })
})

describe('the power of a Vps', () => {
  it('is a wish in its spec', async () => {
    await create({ backend: 'qemu' })
    expect(await cli.run(`stop vps/${name}`)).toEqual({ code: 0, out: `vps.millrace.dev/${name} stopped\n`, err: '' })
    expect((await vpses().get({ name })).spec.running).toBe(false)
    expect(await cli.run(`restart vps/${name}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`vps/${name} is stopped: start it`),
    })
    expect((await cli.run(`start vps ${name}`)).out).toBe(`vps.millrace.dev/${name} started\n`)
    expect((await vpses().get({ name })).spec.running).toBe(true)
    expect((await cli.run(`restart vps/${name}`)).out).toBe(`vps.millrace.dev/${name} restarted\n`)
    expect((await cli.run(`reset vps/${name}`)).out).toBe(`vps.millrace.dev/${name} reset\n`)
    const { annotations = {} } = (await vpses().get({ name })).metadata
    expect(Object.keys(annotations).sort()).toEqual(['millrace.dev/resetAt', 'millrace.dev/restartedAt'])
    expect(Date.parse(annotations['millrace.dev/restartedAt'] ?? '')).not.toBeNaN()
  })

  it('a dry run wishes nothing; a container has no reset button, and a node no power', async () => {
    await create()
    expect((await cli.run(`stop vps/${name} --dry-run=server`)).out).toBe(`vps.millrace.dev/${name} stopped (server dry run)\n`)
    expect((await vpses().get({ name })).spec.running).toBe(true)
    expect(await cli.run(`reset vps/${name}`)).toMatchObject({ code: 2, err: expect.stringContaining('has no reset button: restart it') })
    expect(await cli.run('stop node/n1')).toMatchObject({ code: 2, err: expect.stringContaining('Vpses are, as vps/NAME') })
  })
})

describe('ssh', () => {
  const told = { sshCommand: 'ssh -p 2222 dev.default@gate.example', sshHostKey: '[gate.example]:2222 ssh-ed25519 AAAA' }

  /** An ssh that writes down how it was called, and ends with this code. */
  async function fakeSsh(code = 7): Promise<{ PATH: string }> {
    const bin = path.join(cli.home, 'bin')
    await mkdir(bin, { recursive: true })
    const script = `#!/bin/sh\nfor word in "$@"; do echo "$word"; case "$word" in UserKnownHostsFile=*) cat "\${word#*=}";; esac; done > ${cli.home}/called\nexit ${code}\n`
    await writeFile(path.join(bin, 'ssh'), script)
    await chmod(path.join(bin, 'ssh'), 0o755)
    return { PATH: `${bin}:${process.env.PATH}` }
  }

  it('calls the ssh of this machine with the place, the user, the one host key, and the key that was made', async () => {
    await create({ ssh: { mode: 'generate' } })
    await report({ ...told, phase: 'Running' })
    await mkdir(path.join(cli.home, '.ssh'), { recursive: true })
    await writeFile(path.join(cli.home, '.ssh', `millrace-${name}.default`), 'key')
    expect(await cli.run(`ssh vps/${name} -- uname -a`, { env: await fakeSsh() })).toEqual({ code: 7, out: '', err: '' })
    const called = (await readFile(path.join(cli.home, 'called'), 'utf8')).trim().split('\n')
    expect(called.filter((word) => !word.startsWith('UserKnownHostsFile='))).toEqual([
      '-p',
      '2222',
      '-o',
      told.sshHostKey,
      '-o',
      'GlobalKnownHostsFile=/dev/null',
      '-o',
      'StrictHostKeyChecking=yes',
      '-i',
      path.join(cli.home, '.ssh', `millrace-${name}.default`),
      '-l',
      'dev.default',
      'gate.example',
      '--',
      'uname',
      '-a',
    ])
  })

  it('waits for one that is on its way, and says what it waits for', async () => {
    await create({ ssh: { mode: 'generate' } })
    const pulling = { type: 'ImageReady', status: 'False' as const, reason: 'Pulling', message: 'pulling debian: 0 of 1 layers' }
    await report({ phase: 'Provisioning', conditions: [pulling] })
    const env = await fakeSsh()
    let said = ''
    const login = cli.run(`ssh ${name}`, { env, onErr: (text) => (said = text) })
    await eventually(() => expect(said).toContain('waiting'))
    await report({ ...told, phase: 'Running', conditions: [] })
    const file = path.join(cli.home, '.ssh', `millrace-${name}.default`)
    expect(await login).toEqual({ code: 7, out: '', err: `waiting for vps/${name}: pulling debian: 0 of 1 layers\n` })
    expect(await cli.run(`ssh ${name}`, { env: await fakeSsh(255) })).toEqual({
      code: 255,
      out: '',
      err: expect.stringContaining(`kubectl-lite get secret ${name}-ssh -o jsonpath='{.data.ssh-privatekey}' | base64 -d > ${file}`),
    })
    await report({ phase: 'Provisioning', conditions: [pulling] })
    expect(await cli.run(`ssh ${name} --timeout 1ms`)).toMatchObject({
      code: 7,
      err: expect.stringContaining(`timed out waiting for vps/${name}`),
    })
  })

  it('says why nobody can log in', async () => {
    await create()
    expect(await cli.run(`ssh ${name}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('lets nobody in by SSH: set spec.ssh.mode'),
    })
    await vpses().mergePatch({ name }, { spec: { ssh: { mode: 'generate' } } })
    await report({ phase: 'Running' })
    expect(await cli.run(`ssh ${name}`)).toMatchObject({ code: 1, err: expect.stringContaining('no gateway has said how to log in') })
  })

  it.each([
    ['ssh dev.team@10.0.0.1', { host: '10.0.0.1', port: 22, user: 'dev.team' }],
    ['ssh -p 2222 dev.team@[::1]', { host: '::1', port: 2222, user: 'dev.team' }],
    ['ssh -p 2222 dev.team@gate.example -oProxyCommand=evil', undefined],
    ['ssh -p 2222 -oProxyCommand=evil@gate', undefined],
    ['ssh dev.team@-oProxyCommand=evil', undefined],
  ])('takes %j for what it is', (sshCommand, expected) => {
    const vps = { metadata: { name: 'dev' }, spec: { ssh: { mode: 'keys' } }, status: { sshCommand, sshHostKey: 'h' } } as unknown as Vps
    if (expected) expect(loginOf(vps)).toMatchObject(expected)
    else expect(() => loginOf(vps)).toThrow('no gateway has said')
  })
})

describe('what is said of a Vps', () => {
  it('describe shows what was asked for and what is, and why', async () => {
    await create({ ssh: { mode: 'keys', authorizedKeys: [publicKey] }, running: false, resources: { limits: { memory: '1Gi' } } })
    const { code, out } = await cli.run(`describe vps ${name}`)
    expect(code).toBe(0)
    expect(out).toMatch(/Phase: +Stopped \(is not to run\)/)
    expect(out).toMatch(/Limits: +memory=1Gi/)
    expect(out).toMatch(/SSH Keys: +me@home/)
    expect(out).not.toContain('AAAAC3')
    expect((await cli.run(`why vps/${name}`)).out).toContain('spec.running asks for it not to run')
  })

  it('describe shows when the next snapshot is taken, by the clocks of its zone', async () => {
    await create({ snapshotPolicy: { schedule: '0 3 * * *', timeZone: 'Europe/Berlin', onStop: true } })
    const snapshots = () => cli.run(`describe vps ${name}`)
    expect((await snapshots()).out).toMatch(/Next Snapshot: +<none>/)
    await report({ snapshots: { nextScheduleTime: '2100-01-02T02:00:00Z' } })
    const { out } = await snapshots()
    expect(out).toMatch(/Snapshots: +keeps 3, one at each stop, 0 3 \* \* \* \(Europe\/Berlin\)/)
    expect(out).toMatch(/Next Snapshot: +Sat 2100-01-02 03:00 \(in \d+/)
  })

  it('describe and why say what it waits for, and nothing of what is not there', async () => {
    await create()
    const waits = {
      type: 'ResizePending',
      status: 'True' as const,
      reason: 'NextStart',
      message: 'memory 2Gi (runs with 1Gi): from its next start on',
    }
    await report({ phase: 'Running', resources: {}, conditions: [waits] })
    const { out } = await cli.run(`describe vps ${name}`)
    expect(out).not.toContain('Runs With')
    expect(out).toMatch(/ResizePending +True +<unknown> +NextStart +memory 2Gi \(runs with 1Gi\)/)
    expect((await cli.run(`why vps/${name}`)).out).toContain('ResizePending is True (NextStart: memory 2Gi (runs with 1Gi)')
  })

  it('wait waits for its phase', async () => {
    await create()
    const waiting = cli.run(['wait', `vps/${name}`, '--for=jsonpath={.status.phase}=Running', '--timeout=30s'])
    await report({ phase: 'Running' })
    expect(await waiting).toMatchObject({ code: 0 })
  })

  it('exec, attach, cp, logs, console and port-forward know it by its kind, and say that it does not run', async () => {
    await create()
    await report({ phase: 'Stopped' })
    // Each waits a while for an agent that could yet come.
    const lines = [`exec vps/${name} -- ls`, `attach vps/${name}`, `cp vps/${name}:/etc/hosts x`, `console vps/${name}`]
    for (const result of await Promise.all(lines.map((line) => cli.run(line))))
      expect(result).toMatchObject({
        code: expect.any(Number),
        err: expect.stringMatching(/vps "dev\d+"|no streams to nodes/),
      })
    expect(await cli.run(`console task/x`)).toMatchObject({ code: 2, err: expect.stringContaining('task/x has no console') })
  })
})
