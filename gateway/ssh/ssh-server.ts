/**
 * The SSH server: `ssh -p PORT NAME.NAMESPACE@HOST`. It ends SSH, lets in who has a key of that Vps, and asks the agent of the Vps's node
 * for everything else, so that a machine needs no sshd. Strangers are held in bounds: so many at once, so long each, so many tries.
 */
import { createServer, type Socket } from 'node:net'
import type { Algorithms } from 'ssh2'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { Logger } from '../../lib/base/log.js'
import { listen } from '../listen.js'
import type { MachineStreams } from '../machines/machine-streams.js'
import { addressOf } from './address-of.js'
import type { HostKey } from './host-key.js'
import type { LoginName } from './login-name.js'
import type { LoginRecorder } from './login-recorder.js'
import { SshConnection } from './ssh-connection.js'
import type { SshLibrary } from './ssh-library.js'
import { WaitingRoom, type WaitingRoomLimits } from './waiting-room.js'

export interface SshServerOptions {
  readonly library: SshLibrary
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly hostKey: HostKey
  readonly machines: MachineStreams
  readonly findVps: (at: LoginName) => Vps | undefined
  readonly recorder: LoginRecorder
  readonly log: Logger
  readonly limits?: Partial<SshLimits>
}

export interface SshLimits extends WaitingRoomLimits {
  /** From the first byte until somebody has logged in, milliseconds. */
  readonly loginWithinMs: number
  /** Connections in all. */
  readonly connections: number
}

const defaultLimits: SshLimits = { total: 256, perAddress: 32, loginWithinMs: 30_000, connections: 4096 }

/** What every client of the last ten years speaks, and nothing that is weak; no compression: what comes out of it has no bounds. */
const algorithms: Algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384'],
  cipher: ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256'],
  serverHostKey: ['ssh-ed25519'],
  compress: ['none'],
}

export interface SshServer {
  readonly port: number
  /** Connections that somebody has logged in with. */
  readonly size: number
  /** Strangers that have not logged in yet. */
  readonly waiting: number
  /** Ends what is no longer allowed of the connections to this Vps; without one, of all. */
  judge(at?: LoginName): void
  close(): Promise<void>
}

/** Rejects with ListenError. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const { library, machines, findVps, recorder, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const waitingRoom = new WaitingRoom(limits)
  const sockets = new Set<Socket>()
  const connections = new Set<SshConnection>()
  const settings = {
    hostKeys: [options.hostKey.privateKey],
    ident: 'Millrace',
    algorithms,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 3,
  }

  const take = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    const sendAway = () => socket.destroy()
    const leave = waitingRoom.enter(addressOf(socket), sendAway)
    const deadline = setTimeout(sendAway, limits.loginWithinMs).unref()
    const settle = () => {
      leave()
      clearTimeout(deadline)
    }
    socket.once('close', () => {
      sockets.delete(socket)
      settle()
    })
    // A server of its own for each connection: so its socket is known from the first byte.
    const server = new library.Server(settings, (client) => {
      const onLogin = () => {
        settle()
        connections.add(connection)
      }
      const connection = new SshConnection({ library, socket, client, machines, findVps, recorder, log, onLogin })
      socket.once('close', () => connections.delete(connection))
    })
    server.on('error', sendAway)
    server.injectSocket(socket)
  }

  const server = createServer(take)
  server.maxConnections = limits.connections
  const port = await listen(server, options.host, options.port, 'ssh-port')
  return {
    port,
    get size() {
      return connections.size
    },
    get waiting() {
      return waitingRoom.size
    },
    judge(at) {
      for (const connection of connections) {
        const machine = connection.machine
        if (at === undefined || (machine?.name === at.name && machine.namespace === at.namespace)) connection.judge()
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of connections) connection.end()
      for (const socket of sockets) socket.destroySoon()
      setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, 1_000).unref()
      await closed
    },
  }
}
