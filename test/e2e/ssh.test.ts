/**
 * SSH into a container, with OpenSSH's clients and every program a process of its
 * own: the gateway, the agent and the engine are the real ones.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { type OneMachine, oneMachine, run } from './one-machine.js'

describe.skipIf(withoutDocker || process.getuid?.() !== 0)('SSH into a container', () => {
  let engine: TestEngine
  let machine: OneMachine
  let options: string[]
  let port: string

  beforeAll(async () => {
    engine = await startTestEngine()
    machine = await oneMachine({ env: { DOCKER_HOST: `unix://${engine.socketPath}` } })
    const started = await machine.launch('up', '--backends', 'docker')
    expect(started.code, started.err).toBe(0)
    const key = path.join(machine.folder, 'id')
    expect((await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])).code).toBe(0)
    const manifest = {
      apiVersion: 'millrace.dev/v1',
      kind: 'Vps',
      metadata: { name: 'dev' },
      spec: {
        image: engine.image,
        imagePullPolicy: 'Never',
        ssh: { mode: 'keys', authorizedKeys: [readFileSync(`${key}.pub`, 'utf8').trim()] },
      },
    }
    writeFileSync(path.join(machine.folder, 'vps.json'), JSON.stringify(manifest))
    const applied = await machine.kubectlLite('apply', '-f', path.join(machine.folder, 'vps.json'))
    expect(applied.code, applied.err).toBe(0)
    const ready = await machine.kubectlLite('wait', 'vps/dev', '--for=condition=Running', '--timeout=120s')
    expect(ready.code, `${ready.err}${(await machine.kubectlLite('get', 'vps', 'dev', '-o', 'yaml')).out}`).toBe(0)
    const status = async (field: string) => (await machine.kubectlLite('get', 'vps', 'dev', '-o', `jsonpath={.status.${field}}`)).out
    const knownHosts = path.join(machine.folder, 'known_hosts')
    await eventually(async () => expect(await status('sshHostKey')).toContain('ssh-ed25519'))
    writeFileSync(knownHosts, `${await status('sshHostKey')}\n`)
    const [, found = ''] = /^ssh -p (\d+) dev\.default@127\.0\.0\.1$/.exec(await status('sshCommand')) ?? []
    port = found
    options = ['-F', 'none', '-i', key, ...['IdentitiesOnly=yes', 'BatchMode=yes', 'LogLevel=ERROR'].flatMap((word) => ['-o', word])]
    options.push('-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes')
    await works()
  })
  afterAll(async () => {
    await machine[Symbol.asyncDispose]()
    await engine.close()
  })

  const ssh = (...command: string[]) => run('ssh', ['-n', ...options, '-p', port, 'dev.default@127.0.0.1', ...command])
  const works = () => eventually(async () => expect(await ssh('echo in')).toEqual({ code: 0, out: 'in\n', err: '' }), { intervalMs: 200 })
  const listening = async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port: free } = server.address() as AddressInfo
    server.close()
    return free
  }

  it('runs commands, and a shell with a terminal', async () => {
    expect(await ssh('hostname; echo err >&2; exit 7')).toEqual({ code: 7, out: 'dev\n', err: 'err\n' })
    const child = spawn('ssh', [...options, '-tt', '-p', port, 'dev@127.0.0.1'], { env: { ...process.env, TERM: 'vt220' } })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.stdin.write('echo "<$TERM>"; tty; exit 3\n')
    expect((await once(child, 'close'))[0]).toBe(3)
    expect(said).toContain('<vt220>')
    expect(said).toContain('/dev/pts/')
  })

  it('carries files by sftp and scp, although the image has no sshd', async () => {
    const bytes = randomBytes((process.env.MILLRACE_TEST_LONG ? 50 : 10) * 1024 * 1024)
    const file = path.join(machine.folder, 'file')
    writeFileSync(file, bytes)
    const back = (name: string) => path.join(machine.folder, name)
    const scp = (...words: string[]) => run('scp', [...options, '-P', port, ...words])
    expect(await scp(file, 'dev@127.0.0.1:/tmp/file')).toMatchObject({ code: 0, err: '' })
    expect(await scp('dev@127.0.0.1:/tmp/file', back('scp'))).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(back('scp')).equals(bytes)).toBe(true)
    expect((await ssh('wc -c < /tmp/file')).out.trim()).toBe(String(bytes.length))
  })

  it('reaches a port of the machine', async () => {
    const local = await listening()
    const forward = spawn('ssh', [...options, '-N', '-L', `127.0.0.1:${local}:localhost:7000`, '-p', port, 'dev@127.0.0.1'])
    const server = spawn('ssh', [...options, '-p', port, 'dev@127.0.0.1', 'while :; do echo hello | nc -l -p 7000; done'])
    await eventually(async () => {
      const socket = connect(local, '127.0.0.1')
      socket.on('error', () => {})
      let heard = ''
      socket.on('data', (bytes) => {
        heard += bytes
        socket.end()
      })
      await new Promise((resolve) => socket.once('close', resolve))
      expect(heard).toBe('hello\n')
    })
    forward.kill()
    server.kill()
  })

  it.each(['gateway', 'nodeagent'])('goes on after kill -9 of the %s, at the same port and with the same host key', async (program) => {
    const { [program]: killed } = machine.running()
    if (!killed) throw new Error(`${program} should run`)
    process.kill(killed.pid, 'SIGKILL')
    await eventually(() => expect(Object.keys(machine.running())).not.toContain(program))
    const again = await machine.launch('up')
    expect(again.code, again.err).toBe(0)
    await works()
  })

  it('ends with the machine', async () => {
    const child = spawn('ssh', [...options, '-p', port, 'dev@127.0.0.1', 'echo in; exec sleep 600'])
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    const patch = ['patch', 'vps', 'dev', '--type=merge', '-p', '{"spec":{"running":false}}']
    expect((await machine.kubectlLite(...patch)).code).toBe(0)
    expect(await ended).toEqual([255, null])
  })
})
