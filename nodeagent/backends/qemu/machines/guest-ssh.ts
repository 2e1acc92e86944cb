/**
 * The agent's way into a machine: its own sshd, with the agent's key, and with the host key that the agent made for it and no other.
 * Connections are kept and shared, since a server takes only so many sessions on each.
 */
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { BackendError } from '../../backend.js'
import { NotListening } from '../../connect-to.js'
import type { MachineKeys } from '../cloud-init/machine-keys.js'
import { sameHostKey } from './same-host-key.js'

export interface GuestPlace {
  readonly host: string
  readonly port: number
}

/** OpenSSH's MaxSessions is 10. */
const sessionsEach = 8
const readyMs = 20_000
const keepAliveMs = 15_000
const user = 'root'
/**
 * What of a channel may wait to be read: more than the library gives a server room for. One
 * that sends more is nobody's sshd, and the library takes it all.
 */
const maxUnreadBytes = 8 * 1024 * 1024

interface Connection {
  readonly client: Client
  readonly channels: Set<ClientChannel>
  sessions: number
}

export class GuestSsh {
  private readonly connections = new Set<Connection>()
  /** Those too that are not ready yet. */
  private readonly clients = new Set<Client>()
  /** One is made at a time. */
  private making: Promise<void> | undefined

  constructor(
    private readonly place: GuestPlace,
    private readonly keys: MachineKeys,
  ) {}

  /**
   * Opens what `ask` asks of a connection, as a session. `take` is called with its channel at once: what the channel tells in the same
   * breath is told to nobody later. Rejects with BackendError.
   */
  async openSession<T>(
    ask: (client: Client, answer: (error: Error | undefined, channel: ClientChannel) => void) => void,
    take: (channel: ClientChannel) => T,
    signal: AbortSignal,
  ): Promise<T> {
    const connection = await this.connection(signal, sessionsEach)
    let isGivenUp = false
    try {
      return await opened<T>(connection.client, signal, (resolve, reject) =>
        ask(connection.client, (error, channel) => {
          if (error) return reject(refused(error))
          hold(connection, channel)
          if (isGivenUp) return channel.close()
          channel.once('close', () => connection.sessions--)
          resolve(take(channel))
        }),
      )
    } catch (error) {
      isGivenUp = true
      connection.sessions--
      throw error
    }
  }

  /** Connects, in the machine, to a port of it. Rejects with NotListening or BackendError. */
  async dial(port: number, signal: AbortSignal): Promise<Duplex> {
    const connection = await this.connection(signal, Number.POSITIVE_INFINITY)
    const { client } = connection
    connection.sessions-- // a server counts no ports
    return opened<Duplex>(client, signal, (resolve, reject) =>
      client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error, channel) => {
        if (error)
          return reject(new NotListening(`port ${port} cannot be connected to: nothing in the machine listens on it`, { cause: error }))
        hold(connection, channel)
        resolve(channel)
      }),
    )
  }

  /** Resolves when it takes the agent's key. Rejects with BackendError. */
  async check(signal: AbortSignal): Promise<void> {
    const connection = await this.connection(signal, Number.POSITIVE_INFINITY)
    connection.sessions--
  }

  close(): void {
    for (const client of this.clients) client.destroy()
    this.clients.clear()
    this.connections.clear()
  }

  /** One with fewer sessions than `most`, and now with one more. */
  private async connection(signal: AbortSignal, most: number): Promise<Connection> {
    for (;;) {
      for (const connection of this.connections) {
        if (connection.sessions >= most) continue
        connection.sessions++
        return connection
      }
      // Whoever waits for it may go; the others still want it.
      this.making ??= this.connect().finally(() => {
        this.making = undefined
      })
      await unlessAborted(this.making, signal)
    }
  }

  private async connect(): Promise<void> {
    const { default: ssh2 } = await import('ssh2')
    const client = new ssh2.Client()
    const socket = net.connect(this.place).setMaxListeners(0)
    this.clients.add(client)
    client.once('close', () => this.clients.delete(client))
    let strangerAnswers = false
    const ready = new Promise<void>((resolve, reject) => {
      client.once('ready', resolve)
      client.once('close', () => reject(new Error('it closed the connection')))
      client.on('error', reject)
      client.connect({
        sock: socket,
        username: user,
        privateKey: this.keys.agent.private,
        readyTimeout: readyMs,
        keepaliveInterval: keepAliveMs,
        keepaliveCountMax: 3,
        hostVerifier: (key: Buffer) => {
          strangerAnswers = !sameHostKey(this.keys.host.public, key)
          return !strangerAnswers
        },
      })
    })
    try {
      await ready
    } catch (error) {
      client.destroy()
      throw whyNot(error as Error & { level?: string }, strangerAnswers)
    }
    const connection: Connection = { client, channels: new Set(), sessions: 0 }
    socket.on('data', () => assertBounds(connection))
    client.setMaxListeners(0) // one for each session that is being opened
    client.setNoDelay(true)
    client.on('close', () => this.connections.delete(connection))
    this.connections.add(connection)
  }
}

function hold({ channels }: Connection, channel: ClientChannel): void {
  channels.add(channel)
  channel.once('close', () => channels.delete(channel))
}

/** Runs after each piece that came in. */
function assertBounds({ client, channels }: Connection): void {
  for (const { readableLength, stderr } of channels)
    if (readableLength + stderr.readableLength > maxUnreadBytes) return void client.destroy()
}

/** What is opened over a connection, unless that goes first, or nobody waits any more. */
function opened<T>(
  client: Client,
  signal: AbortSignal,
  begin: (resolve: (made: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  const made = new Promise<T>((resolve, reject) => {
    const onClose = () => reject(gone())
    client.once('close', onClose)
    begin(
      (value) => {
        client.off('close', onClose)
        resolve(value)
      },
      (error) => {
        client.off('close', onClose)
        reject(error)
      },
    )
  })
  return unlessAborted(made, signal)
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function whyNot(error: Error & { level?: string }, strangerAnswers: boolean): BackendError {
  if (strangerAnswers)
    return new BackendError(
      'StartFailed',
      'the sshd of the machine shows another host key than the one that was made for it; cloud-init of its image did not take the seed, or somebody changed it',
      true,
      { cause: error },
    )
  if (error.level === 'client-authentication')
    return new BackendError(
      'StartFailed',
      "the machine does not take the agent's key: its first boot is not done, its image has no cloud-init, or somebody removed the key",
      true,
      { cause: error },
    )
  const words = `the machine is still booting: its sshd does not answer yet (${error.message}); its console shows how far it is`
  return new BackendError('StartFailed', words, true, { cause: error })
}

const gone = () => new BackendError('StartFailed', 'the connection to the machine ended: it went, or starts anew', true)

function refused(error: Error): BackendError {
  return new BackendError('StartFailed', `the sshd of the machine refused it: ${error.message}`, true, { cause: error })
}
