import type { AddressInfo } from 'node:net'
import ssh2, { type ClientChannel, type ServerChannel } from 'ssh2'
import { expect, it } from 'vitest'
import { eventually } from '../../../../lib/testing/eventually.js'
import type { SshKeyPair } from '../cloud-init/machine-keys.js'
import { GuestSsh } from './guest-ssh.js'

function keyPair(): SshKeyPair {
  const made = ssh2.utils.generateKeyPairSync('ed25519')
  // One in some hundred that the library makes it cannot read itself.
  return ssh2.utils.parseKey(made.private) instanceof Error ? keyPair() : made
}

/** What the library has of a channel beyond its types: by which a server says more than it was given room for. */
interface Wire {
  readonly outgoing: { readonly id: number }
  readonly _client: { readonly _protocol: { channelData(id: number, bytes: Buffer): void } }
}

it.each(['session', 'port'] as const)('a machine that sends more than it was given room for is hung up on (%s)', async (way) => {
  const keys = { host: keyPair(), agent: keyPair() }
  // Of a length that the library does not see the room end by.
  const piece = Buffer.alloc(30_000)
  let sent = 0
  let isOver = false
  const flood = (channel: ServerChannel) => {
    const { outgoing, _client } = channel as unknown as Wire
    channel.on('error', () => {})
    const more = () => {
      for (let n = 0; n < 32; n++) _client._protocol.channelData(outgoing.id, piece)
      sent += 32 * piece.length
      if (!isOver && sent < 128 * 1024 ** 2) setImmediate(more)
    }
    more()
  }
  const server = new ssh2.Server({ hostKeys: [keys.host.private] }, (client) => {
    client.on('error', () => {})
    client.on('close', () => {
      isOver = true
    })
    client.on('authentication', (context) => context.accept())
    client.on('session', (accept) => accept().on('exec', (take) => flood(take())))
    client.on('tcpip', (accept) => flood(accept()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const guest = new GuestSsh({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, keys)
  const signal = AbortSignal.timeout(60_000)
  const channel =
    way === 'port'
      ? await guest.dial(80, signal)
      : await guest.openSession(
          (client, answer) => client.exec('x', answer),
          (made: ClientChannel) => made,
          signal,
        )
  await eventually(() => expect(isOver).toBe(true))
  expect(channel.readableLength).toBeLessThan(16 * 1024 ** 2)
  guest.close()
  server.close()
})
