/** Somebody who may log in, and then asks for what no honest client asks for. */
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { afterEach, expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { silentLogger } from '../../lib/base/log.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startSshServer } from './ssh-server.js'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** What the library's client has beyond its types: requests as they go over the wire. */
interface Wire {
  readonly _chanMgr: { add(answered: (error?: Error, channel?: { readonly outgoing: { readonly id: number } }) => void): number }
  readonly _protocol: {
    session(id: number, window: number, packet: number): void
    directTcpip(id: number, window: number, packet: number, to: object): void
    exec(id: number, command: string, wantReply: boolean): void
    shell(id: number, wantReply: boolean): void
    subsystem(id: number, name: string, wantReply: boolean): void
    tcpipForward(host: string, port: number, wantReply: boolean): void
  }
}

function keyPair(): { private: string; public: string } {
  const made = ssh2.utils.generateKeyPairSync('ed25519')
  // One in some hundred that the library makes it cannot read itself.
  return ssh2.utils.parseKey(made.private) instanceof Error ? keyPair() : made
}

/** A connection that is logged in, and what its machine was asked for; nothing of that is ever answered to its end. */
async function logIn() {
  const [host, own] = [keyPair(), keyPair()]
  const asked = { commands: 0, dials: [] as ((error: Error) => void)[], said: '' }
  const vps = {
    metadata: { name: 'dev', namespace: 'default', uid: 'u' },
    spec: { running: true, nodeName: 'n1', ssh: { mode: 'keys', authorizedKeys: [own.public] } },
    status: { phase: 'Running' },
  } as unknown as Vps
  const endless = () => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const server = await startSshServer({
    library: ssh2,
    host: '127.0.0.1',
    port: 0,
    hostKey: { privateKey: host.private, publicKey: host.public },
    machines: {
      openExec: async () => {
        asked.commands++
        return new FramedChannels(endless())
      },
      openFiles: async () => endless(),
      dialPort: () => new Promise((_resolve, reject) => asked.dials.push(reject)),
    },
    findVps: () => vps,
    recorder: { accepted: () => {}, refused: () => {} },
    log: silentLogger,
  })
  ending.push(() => server.close())
  const client = new ssh2.Client()
  client.on('error', () => {})
  const sock = connect({ port: server.port, host: '127.0.0.1' })
  client.connect({ sock, username: 'dev', privateKey: own.private })
  await new Promise<void>((resolve, reject) => client.once('ready', () => resolve()).once('close', () => reject(new Error('not let in'))))
  ending.push(() => client.destroy())
  const { _protocol: wire, _chanMgr: channels } = client as unknown as Wire
  const counts = { opened: 0, refused: 0 }
  const ids: number[] = []
  const open = (begin: (id: number) => void) =>
    begin(
      channels.add((error, channel) => {
        if (error || !channel) return void counts.refused++
        counts.opened++
        ids.push(channel.outgoing.id)
      }),
    )
  const session = () => open((id) => wire.session(id, 65_536, 32_768))
  const forward = () =>
    open((id) => wire.directTcpip(id, 65_536, 32_768, { srcIP: '127.0.0.1', srcPort: 1, dstIP: '127.0.0.1', dstPort: 80 }))
  return { server, client, wire, asked, counts, ids, session, forward }
}

it('has so many sessions, also of those in which it runs nothing', async () => {
  const { session, counts } = await logIn()
  for (let n = 0; n < 200; n++) session()
  await eventually(() => expect(counts).toEqual({ opened: 64, refused: 136 }))
})

it('has so many connections to ports, also of those that nobody has answered; one that fails makes room', async () => {
  const { forward, session, counts, asked } = await logIn()
  for (let n = 0; n < 200; n++) forward()
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 136 }))
  expect(asked.dials).toHaveLength(64)
  session()
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 137 }))
  asked.dials[0]?.(new Error('nothing listens'))
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 138 }))
  session()
  await eventually(() => expect(counts).toEqual({ opened: 1, refused: 138 }))
})

it('runs one command in a session, whatever it asks for after it', async () => {
  const { session, client, wire, asked, counts, ids, server } = await logIn()
  session()
  await eventually(() => expect(counts.opened).toBe(1))
  const [id = -1] = ids
  for (const wantReply of [true, false]) {
    wire.exec(id, 'true', wantReply)
    wire.shell(id, wantReply)
    wire.subsystem(id, 'sftp', wantReply)
  }
  const second = await new Promise((resolve, reject) => client.exec('true', (error, channel) => (error ? reject(error) : resolve(channel))))
  expect(second).toBeDefined()
  await eventually(() => expect(asked.commands).toBe(2))
  expect(server.size).toBe(1)
})

it('is told once why remote forwarding is refused, however often it asked', async () => {
  const { client, wire } = await logIn()
  for (let n = 0; n < 1000; n++) wire.tcpipForward('localhost', 1, false)
  const told = await new Promise<string>((resolve, reject) =>
    client.exec('true', (error, channel) => {
      if (error) return reject(error)
      let text = ''
      channel.stderr.on('data', (bytes) => {
        text += bytes
        if (text.endsWith('\r\n')) setImmediate(() => resolve(text))
      })
    }),
  )
  expect(told.match(/remote forwarding/g)).toHaveLength(1)
})
