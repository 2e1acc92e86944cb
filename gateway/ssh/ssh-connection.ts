import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import type { AuthContext, Connection, ParsedKey, PublicKeyAuthContext, ServerChannel } from 'ssh2'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { Logger } from '../../lib/base/log.js'
import type { MachineStreams } from '../machines/machine-streams.js'
import { acceptsKey, fingerprintOf } from './accepted-keys.js'
import { addressOf } from './address-of.js'
import { isClosedByClient, joinChannel } from './channel-bytes.js'
import { isStrongEnough } from './key-strength.js'
import { type LoginName, parseLoginName, printLoginName } from './login-name.js'
import type { LoginRecorder } from './login-recorder.js'
import type { SshLibrary } from './ssh-library.js'
import { serveSession } from './ssh-session.js'

export interface SshConnectionOptions {
  readonly library: SshLibrary
  readonly socket: Socket
  readonly client: Connection
  readonly machines: MachineStreams
  readonly findVps: (at: LoginName) => Vps | undefined
  readonly recorder: LoginRecorder
  readonly log: Logger
  /** Called once somebody has logged in. */
  readonly onLogin: () => void
}

/** As sshd has them. */
const maxTries = 10
/** Sessions and forwarded connections at once, with those that are about to be. */
const maxChannels = 64
/** What a client may send beyond what it was given room for, before it is sent away; the library takes it all. */
const maxUnreadBytes = 4 * 1024 * 1024
/** What may wait for a client that does not read its socket: answers to what it asks, before and after it has logged in. */
const maxUnsentBytes = { before: 256 * 1024, after: 16 * 1024 * 1024 }

/** One SSH connection: who it is, and the channels that it opens, as long as its key is accepted and the machine is there. */
export class SshConnection {
  #tries = 0
  #login: { readonly at: LoginName; readonly uid: string; readonly key: Buffer; readonly fingerprint: string } | undefined
  /** What was offered in vain: each key's type and fingerprint, by the name that was asked for. */
  readonly #refused = new Map<string, string>()
  #askedFor: LoginName | undefined
  readonly #channels = new Set<ServerChannel>()
  /** Of maxChannels. A session that ran nothing keeps its place, as the library keeps it. */
  #taken = 0
  readonly #notices = new Set<string>()
  readonly #gone = new AbortController()

  constructor(private readonly options: SshConnectionOptions) {
    const { client, socket } = options
    socket.setMaxListeners(0)
    setMaxListeners(0, this.#gone.signal)
    // What breaks here is the client's to notice.
    client.on('error', () => {})
    client.on('authentication', (context) => this.#authenticate(context))
    client.on('ready', () => this.#serve())
    socket.once('close', () => this.#closed())
    socket.on('data', () => this.#assertBounds())
  }

  /** The Vps that it has logged in to. */
  get machine(): LoginName | undefined {
    return this.#login?.at
  }

  /** Ends it unless its key is still accepted, and its machine there and meant to run. */
  judge(): void {
    const login = this.#login
    if (!login) return
    const vps = this.#machineNow()
    if (vps && acceptsKey(vps, login.key) && !hasEnded(vps)) return
    this.options.log.info({ vps: printLoginName(login.at) }, 'an SSH connection is ended: its machine or its key is gone')
    this.end()
  }

  end(): void {
    this.options.client.end()
    this.options.socket.destroySoon()
    setTimeout(() => this.options.socket.destroy(), 2_000).unref()
  }

  #authenticate(context: AuthContext): void {
    // Clients ask so what there is.
    if (context.method !== 'none' && ++this.#tries > maxTries) return void this.end()
    if (context.method === 'publickey' && this.#isGood(context)) context.accept()
    else context.reject(['publickey'])
  }

  #isGood(context: PublicKeyAuthContext): boolean {
    const { data } = context.key
    const at = parseLoginName(context.username)
    const vps = at && this.options.findVps(at)
    this.#askedFor = at
    const accepted = acceptsKey(vps, data)
    const key = accepted ? this.#usable(context) : undefined
    const isProven = key !== undefined && (!context.signature || isSignedBy(key, context))
    if (!at || !vps || !isProven) {
      if (this.#refused.size < maxTries) this.#refused.set(fingerprintOf(data), context.key.algo.replace(/[^\w@.-]/g, '?').slice(0, 64))
      return false
    }
    if (context.signature) this.#login = { at, uid: vps.metadata.uid, key: data, fingerprint: `${key.type} ${fingerprintOf(data)}` }
    return true
  }

  /** The key that is offered, unless it is one that proves nothing these days. */
  #usable({ key, hashAlgo }: PublicKeyAuthContext): ParsedKey | undefined {
    const parsed = this.options.library.utils.parseKey(key.data)
    const one = Array.isArray(parsed) ? parsed[0] : parsed
    if (!one || one instanceof Error || one.type !== key.algo) return undefined
    return isStrongEnough(one, hashAlgo) ? one : undefined
  }

  #serve(): void {
    const { client, socket, machines, onLogin, recorder } = this.options
    const login = this.#login
    const vps = this.#machineNow()
    if (!login || !vps) return void this.end()
    onLogin()
    recorder.accepted(vps, login.fingerprint, addressOf(socket))
    client.on('session', (accept, reject) => {
      if (this.#taken >= maxChannels) return void reject()
      this.#taken++
      const session = accept()
      serveSession(session, {
        socket,
        gone: this.#gone.signal,
        machines,
        machine: () => this.#machineNow(),
        notices: this.#takeNotices(),
        onChannel: (channel) => this.#hold(channel),
      })
    })
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const machine = this.#machineNow()
      if (this.#taken >= maxChannels || !machine || !isOwnAddress(machine, destIP)) return reject()
      this.#taken++
      // The signal is for the dialling alone: what is open ends with its channel.
      const dialling = new AbortController()
      const giveUp = () => dialling.abort(this.#gone.signal.reason)
      const stay = () => this.#gone.signal.removeEventListener('abort', giveUp)
      this.#gone.signal.addEventListener('abort', giveUp)
      machines.dialPort(machine, destPort, dialling.signal).then(
        async (far) => {
          stay()
          const channel = accept()
          // Nobody is there any more.
          if (!channel) return void far.destroy()
          this.#hold(channel)
          channel.on('error', () => {})
          await joinChannel(socket, channel, far)
        },
        () => {
          stay()
          this.#taken--
          reject()
        },
      )
    })
    client.on('request', (_accept, reject, name: string) => {
      if (name === 'tcpip-forward' || name === 'streamlocal-forward@openssh.com')
        this.#notices.add('remote forwarding (ssh -R) is refused: a Tunnel lets connections in')
      reject?.()
    })
  }

  #machineNow(): Vps | undefined {
    const login = this.#login
    const vps = login && this.options.findVps(login.at)
    return vps?.metadata.uid === login?.uid ? vps : undefined
  }

  #hold(channel: ServerChannel): void {
    this.#channels.add(channel)
    channel.once('close', () => {
      this.#channels.delete(channel)
      this.#taken--
    })
  }

  #takeNotices(): readonly string[] {
    const notices = [...this.#notices]
    this.#notices.clear()
    return notices
  }

  /** Runs after each piece that came in: the library takes what a client sends against the rules, and answers one that does not listen. */
  #assertBounds(): void {
    const { socket } = this.options
    let unread = 0
    for (const channel of this.#channels) {
      if (isClosedByClient(channel)) channel.emit('close')
      else unread = Math.max(unread, channel.readableLength)
    }
    const unsent = this.#login ? maxUnsentBytes.after : maxUnsentBytes.before
    if (unread > maxUnreadBytes || socket.writableLength > unsent) socket.destroy()
  }

  #closed(): void {
    this.#gone.abort(new Error('the client went away'))
    if (this.#login || this.#refused.size === 0) return
    const at = this.#askedFor
    this.options.recorder.refused(at && this.options.findVps(at), this.#refused, addressOf(this.options.socket))
  }
}

function isSignedBy(key: ParsedKey, { blob, signature, hashAlgo }: PublicKeyAuthContext): boolean {
  if (!blob || !signature) return false
  try {
    return key.verify(blob, signature, hashAlgo) === true
  } catch {
    return false
  }
}

const hasEnded = ({ metadata, spec, status }: Vps) =>
  metadata.deletionTimestamp !== undefined || !spec.running || status?.phase === 'Stopped' || status?.phase === 'Failed'

/** The machine itself, by one of the names that it has for those who are in it. */
function isOwnAddress({ metadata: { name, namespace }, status }: Vps, host: string): boolean {
  return ['127.0.0.1', '::1', 'localhost', name, `${name}.${namespace}`, status?.address].includes(host.toLowerCase())
}
