import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import ssh2, { type ClientChannel } from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Event } from '../../lib/api/kinds/event.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type SshBed, sshBed, type UserKey } from '../fixtures/ssh-bed.js'

let bed: SshBed
let key: UserKey
let stranger: UserKey
const others: Record<string, UserKey> = {}

beforeAll(async () => {
  bed = await sshBed()
  key = bed.key('id')
  stranger = bed.key('stranger')
  others.rsa = bed.key('rsa', 'rsa')
  others.ecdsa = bed.key('ecdsa', 'ecdsa')
  others.short = bed.key('short', 'rsa', 1024)
  const authorizedKeys = [key.publicKey, `${others.rsa.publicKey} ann@home`, others.ecdsa.publicKey, others.short.publicKey]
  await bed.machine('dev', { mode: 'keys', authorizedKeys })
})
afterAll(() => bed.close())

const events = async (reason: string, name = 'dev') =>
  (await bed.cluster.client.of(Event).list({ namespace: 'default' })).items.filter(
    (event) => event.reason === reason && event.involvedObject.name === name,
  )
const fingerprint = ({ publicKey }: UserKey) =>
  createHash('sha256')
    .update(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')

describe('a login', () => {
  it('runs a command: output, errors and exit code come through', async () => {
    expect(await bed.ssh(key, 'dev', 'echo out; echo err >&2; exit 7')).toEqual({ code: 7, out: 'out\n', err: 'err\n' })
    expect(await bed.ssh(key, 'dev.default', 'true')).toEqual({ code: 0, out: '', err: '' })
    const path = bed.node.requests.at(-1) ?? ''
    expect(path).toMatch(/^\/exec\/default\/dev\?/)
    expect(path).toContain('kind=Vps')
  })

  it('is told on the Vps, with the fingerprint of the key and the address', async () => {
    await eventually(async () => {
      const [event] = await events('SSHLogin')
      expect(event?.message).toBe(`logged in from 127.0.0.1 with ssh-ed25519 SHA256:${fingerprint(key)}`)
    })
  })

  it.each(['rsa', 'ecdsa'])('takes a key of type %s', async (type) => {
    expect(await bed.ssh(others[type] as UserKey, 'dev', 'echo in')).toMatchObject({ code: 0, out: 'in\n' })
  })

  it('passes input to its end, and large output at the reader’s pace', async () => {
    const bytes = randomBytes(8 * 1024 * 1024).toString('base64')
    const { code, out } = await bed.run(
      'ssh',
      [...bed.options(key), '-p', String(bed.port()), 'dev@127.0.0.1', 'sha256sum; head -c 20000000 /dev/zero | wc -c'],
      bytes,
    )
    expect(code).toBe(0)
    expect(out).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n20000000\n`)
  })

  it('carries both outputs, large and mixed, without a byte too many', async () => {
    const script = 'i=0; while [ $i -lt 40 ]; do head -c 200000 /dev/zero; head -c 150000 /dev/zero >&2; i=$((i+1)); done'
    const { out, err } = await bed.ssh(key, 'dev', script)
    expect([out.length, err.length]).toEqual([40 * 200_000, 40 * 150_000])
  })

  it('has a shell with a terminal: its size, its name and the language reach the machine', async () => {
    const args = [
      ...bed.options(key),
      '-tt',
      '-o',
      'SetEnv=LC_TEST=de LANG=nn_NO.UTF-8 SECRET=x',
      '-p',
      String(bed.port()),
      'dev@127.0.0.1',
    ]
    const { code, out } = await bed.run('ssh', args, 'echo "<$LC_TEST $LANG $SECRET>"; tty; exit 3\n')
    expect(code).toBe(3)
    expect(out).toContain('<de nn_NO.UTF-8 >')
    expect(out).toContain('/dev/pts/')
    expect(bed.node.sizes.length).toBeGreaterThan(0)
  })

  it('is refused to every other key; the Event says which was offered, and the client learns nothing', async () => {
    const none = await bed.ssh(stranger, 'dev', 'true')
    expect(none).toMatchObject({ code: 255, out: '' })
    expect(none.err).toContain('Permission denied (publickey)')
    expect(await bed.ssh(others.short as UserKey, 'dev', 'true')).toMatchObject({ code: 255 })
    for (const user of ['nothing-here', 'dev.elsewhere', 'a.b.c', 'Dev', 'dev.default.'])
      expect((await bed.ssh(key, user, 'true')).err.replaceAll(user, 'dev')).toBe(none.err)
    await eventually(async () => {
      const messages = (await events('SSHLoginRefused')).map(({ message }) => message)
      expect(messages).toContain(`from 127.0.0.1 with ssh-ed25519 SHA256:${fingerprint(stranger)}: none of the keys of this Vps`)
    })
    await eventually(async () => expect(await bed.metrics()).toMatch(/logins_total\{result="unknown"\} 5/))
  })

  it('is refused when it is not to a Vps that lets people in, and by password', async () => {
    await bed.machine('closed', { mode: 'disabled' })
    expect((await bed.ssh(key, 'closed', 'true')).code).toBe(255)
    expect((await bed.cluster.client.of(Vps).get({ namespace: 'default', name: 'closed' })).status?.sshCommand).toBeUndefined()
    const args = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes']
    const { err } = await bed.run('ssh', [...args, '-o', 'PubkeyAuthentication=no', '-p', String(bed.port()), 'dev@127.0.0.1', 'true'])
    expect(err).toContain('Permission denied (publickey)')
  })

  it('with the key that was made for the Vps is accepted, once its public half is in the status', async () => {
    const made = bed.key('made')
    await bed.machine('made', { mode: 'generate' })
    expect((await bed.ssh(made, 'made', 'true')).code).toBe(255)
    const at = { namespace: 'default', name: 'made' }
    await bed.cluster.client.of(Vps).mergePatch(at, { status: { sshPublicKey: made.publicKey } }, { subresource: 'status' })
    await eventually(async () => expect(await bed.ssh(made, 'made', 'echo in')).toMatchObject({ code: 0, out: 'in\n' }))
  })

  it('to a Vps that does not run says so, and how it is started', async () => {
    const authorizedKeys = [key.publicKey]
    const vps = await bed.machine('off', { mode: 'keys', authorizedKeys })
    await bed.cluster.client.of(Vps).mergePatch(vps.metadata, { spec: { running: false } })
    const status = { phase: 'Stopped' }
    await bed.cluster.client.of(Vps).mergePatch(vps.metadata, { status }, { subresource: 'status' })
    await eventually(async () =>
      expect(await bed.ssh(key, 'off', 'true')).toMatchObject({
        code: 255,
        err: expect.stringContaining('vps "off" does not run: its phase is Stopped (kubectl-lite start vps/off starts it)'),
      }),
    )
  })

  it('says what the agent says when it refuses', async () => {
    bed.node.refusal = 'the engine does not answer'
    const { code, err } = await bed.ssh(key, 'dev', 'true')
    bed.node.refusal = undefined
    expect({ code, err }).toEqual({ code: 255, err: 'the engine does not answer\r\n' })
  })

  it('ends when its key is taken out of the spec, or the Vps is stopped or deleted', async () => {
    const leaving = bed.key('leaving')
    const vps = await bed.machine('left', { mode: 'keys', authorizedKeys: [leaving.publicKey, key.publicKey] })
    const vpses = bed.cluster.client.of(Vps)
    const changes = [
      () => vpses.mergePatch(vps.metadata, { spec: { ssh: { authorizedKeys: [key.publicKey] } } }),
      () => vpses.mergePatch(vps.metadata, { spec: { ssh: { authorizedKeys: [leaving.publicKey] } } }),
      () => vpses.mergePatch(vps.metadata, { spec: { running: false } }),
    ]
    for (const [index, change] of changes.entries()) {
      const used = index === 1 ? key : leaving
      const child = spawn('ssh', [...bed.options(used), '-p', String(bed.port()), 'left@127.0.0.1', 'echo in; exec sleep 600'])
      const ended = once(child, 'exit')
      await once(child.stdout, 'data')
      await change()
      expect(await ended).toEqual([255, null])
    }
    await eventually(() => expect(bed.node.processes.size).toBe(0))
  })
})

describe('files', () => {
  const bytes = randomBytes(50 * 1024 * 1024)

  it('go there and back by sftp, byte for byte', async () => {
    const [there, back] = [path.join(bed.folder, 'there'), path.join(bed.folder, 'back')]
    writeFileSync(path.join(bed.folder, 'file'), bytes)
    const commands = `put ${bed.folder}/file ${there}\nget ${there} ${back}\n`
    const result = await bed.run('sftp', [...bed.options(key), '-b', '-', '-P', String(bed.port()), 'dev@127.0.0.1'], commands)
    expect(result.code, result.err).toBe(0)
    expect(readFileSync(back).equals(bytes)).toBe(true)
  })

  it.each([[[]], [['-O']]])('go by scp %j', async (flags) => {
    const target = path.join(bed.folder, `scp${flags.length}`)
    const source = path.join(bed.folder, 'scp-source')
    writeFileSync(source, bytes.subarray(0, 3_000_000))
    const args = [...bed.options(key), ...flags, '-P', String(bed.port())]
    expect(await bed.run('scp', [...args, source, `dev@127.0.0.1:${target}`])).toMatchObject({ code: 0 })
    expect(await bed.run('scp', [...args, `dev@127.0.0.1:${target}`, `${target}-back`])).toMatchObject({ code: 0 })
    expect(readFileSync(`${target}-back`).equals(bytes.subarray(0, 3_000_000))).toBe(true)
  })
})

describe('a forwarded connection', () => {
  /** Says what it heard, once the other side has ended its half. */
  async function echo() {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const heard: Buffer[] = []
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      socket.on('end', () => socket.end(Buffer.concat(heard)))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { server, port: (server.address() as AddressInfo).port }
  }

  it('reaches a port of the Vps, each half to its own end', async () => {
    const { server, port } = await echo()
    const bytes = randomBytes(3_000_000).toString('base64')
    for (const host of ['127.0.0.1', 'localhost', 'dev', 'dev.default']) {
      const args = [...bed.options(key), '-p', String(bed.port()), '-W', `${host}:${port}`, 'dev@127.0.0.1']
      const { out } = await bed.run('ssh', args, bytes)
      expect(out === bytes).toBe(true)
    }
    server.close()
  })

  it('takes what a client sends after the far side has ended, also right before it closes', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const reached = once(server, 'connection') as Promise<[Socket]>
    const client = new ssh2.Client()
    client.connect({ host: '127.0.0.1', port: bed.port(), username: 'dev', privateKey: readFileSync(key.file) })
    await once(client, 'ready')
    const channel = await new Promise<ClientChannel>((resolve, reject) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', port, (error, opened) => (error ? reject(error) : resolve(opened))),
    )
    const [target] = await reached
    const heard = text(target.end('first').iterator({ destroyOnReturn: false }))
    expect(await text(channel.iterator({ destroyOnReturn: false }))).toBe('first')
    const last = 'last'.repeat(10_000)
    channel.write(last)
    ;(channel as unknown as { eof(): void }).eof()
    channel.close()
    client.end()
    expect(await heard).toBe(last)
    server.close()
  })

  it('reaches no other host, and no port where nobody listens', async () => {
    for (const target of ['10.0.0.1:80', 'other:80', 'example.com:80', '127.0.0.1:1']) {
      const args = [...bed.options(key), '-p', String(bed.port()), '-W', target, 'dev@127.0.0.1']
      expect((await bed.run('ssh', args)).code).toBe(255)
    }
  })

  it('comes through ssh -L; ssh -R is refused in words', async () => {
    const { server, port } = await echo()
    const local = createServer().listen(0, '127.0.0.1')
    await once(local, 'listening')
    const localPort = (local.address() as AddressInfo).port
    local.close()
    const args = [...bed.options(key), '-p', String(bed.port()), '-L', `127.0.0.1:${localPort}:localhost:${port}`, '-R', '0:localhost:1']
    const child = spawn('ssh', [...args, 'dev@127.0.0.1', 'echo in; exec sleep 600'])
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(child.stdout, 'data')
    const socket = connect({ port: localPort, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('hello')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toBe('hello')
    await eventually(() => expect(said).toContain('remote forwarding (ssh -R) is refused'))
    child.kill()
    server.close()
  })
})

describe('the gateway', () => {
  it('has one host key for ever: started again it is known, and listens on the same port', async () => {
    const secret = await bed.cluster.client.of(Secret).get({ namespace: 'kube-system', name: 'millrace-gateway-host-key' })
    const port = bed.port()
    await bed.restartGateway()
    expect(bed.port()).toBe(port)
    expect(await bed.ssh(key, 'dev', 'echo again')).toMatchObject({ code: 0, out: 'again\n' })
    const after = await bed.cluster.client.of(Secret).get({ namespace: 'kube-system', name: 'millrace-gateway-host-key' })
    expect(after.metadata.resourceVersion).toBe(secret.metadata.resourceVersion)
  })

  it('says on the Vps how to log in, and takes it away with the permission', async () => {
    const vpses = bed.cluster.client.of(Vps)
    const at = { namespace: 'default', name: 'dev' }
    expect((await vpses.get(at)).status?.sshCommand).toBe(`ssh -p ${bed.port()} dev.default@127.0.0.1`)
    const { spec } = await bed.machine('told', { mode: 'keys', authorizedKeys: [key.publicKey] })
    expect(spec.ssh.mode).toBe('keys')
    await vpses.mergePatch({ namespace: 'default', name: 'told' }, { spec: { ssh: { mode: 'disabled', authorizedKeys: null } } })
    await eventually(async () => {
      const { status } = await vpses.get({ namespace: 'default', name: 'told' })
      expect([status?.sshCommand, status?.sshHostKey, status?.phase]).toEqual([undefined, undefined, 'Running'])
    })
  })

  it('serves twenty at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => bed.ssh(key, 'dev', `head -c 300000 /dev/zero | wc -c; exit ${index}`)),
    )
    expect(all.map(({ code }) => code)).toEqual(all.map((_, index) => index))
    expect(new Set(all.map(({ out }) => out))).toEqual(new Set(['300000\n']))
  })

  it('serves others while strangers hold a thousand connections, and send what is no SSH', async () => {
    const sockets: Socket[] = []
    const open = (said?: Buffer) => {
      const socket = connect({ port: bed.port(), host: '127.0.0.1' })
      socket.on('error', () => {})
      if (said) socket.write(said)
      sockets.push(socket)
    }
    for (let n = 0; n < 1000; n++) open()
    const bad = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(1_000_000, 'A'),
      Buffer.from('SSH-1.0-old\r\n'),
      Buffer.from(`SSH-2.0-x\r\n${'\xff'.repeat(40_000)}`, 'latin1'),
      randomBytes(100_000),
    ]
    for (const said of bad) for (let n = 0; n < 20; n++) open(said)
    const fromElsewhere = [...bed.options(key), '-b', '127.0.0.2', '-p', String(bed.port()), 'dev@127.0.0.1', 'echo in']
    expect(await bed.run('ssh', fromElsewhere)).toMatchObject({ code: 0, out: 'in\n' })
    await eventually(async () => expect(Number(/state="waiting"\} (\d+)/.exec(await bed.metrics())?.[1])).toBeLessThanOrEqual(32))
    // From the same address, too, once no more of them come in.
    await eventually(async () => expect(await bed.ssh(key, 'dev', 'echo in')).toMatchObject({ code: 0, out: 'in\n' }))
    for (const socket of sockets) socket.destroy()
  })
})
