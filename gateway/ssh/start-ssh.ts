import { Counter, Gauge, type Registry } from 'prom-client'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createEventRecorder } from '../../lib/client/events/event-recorder.js'
import type { Informer } from '../../lib/client/informer/informer.js'
import type { MachineStreams } from '../machines/machine-streams.js'
import { ensureHostKey } from './host-key.js'
import { createLoginRecorder } from './login-recorder.js'
import { loadSshLibrary, SshUnavailable } from './ssh-library.js'
import { type SshLimits, type SshServer, startSshServer } from './ssh-server.js'

export interface StartSshOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** The gateway's. */
  readonly name: string
  readonly metrics: Registry
  readonly host: string
  readonly port: number
  readonly vpses: Informer<Vps>
  readonly machines: MachineStreams
  readonly limits?: Partial<SshLimits>
}

export interface Ssh extends Pick<SshServer, 'port' | 'close'> {
  /** The public half of the host key: type and key. */
  readonly hostKey: string
}

/** Lets people log in. Undefined, and a sentence in the log, where the optional package for it is not installed. */
export async function startSsh(options: StartSshOptions, signal: AbortSignal): Promise<Ssh | undefined> {
  const { client, clock, log, metrics, vpses } = options
  const library = await loadSshLibrary().catch((error: unknown) => {
    if (!(error instanceof SshUnavailable)) throw error
    log.warn(error.message)
    return undefined
  })
  if (!library) return undefined
  const hostKey = await ensureHostKey(client, library, signal)
  const logins = new Counter({
    name: 'millrace_gateway_ssh_logins_total',
    help: 'Logins by SSH, by result: accepted, refused, unknown (no such Vps).',
    labelNames: ['result'],
    registers: [metrics],
  })
  const reporter = { component: 'millrace-gateway', instance: options.name }
  const events = {
    accepted: createEventRecorder({ client, clock, log, ...reporter }),
    refused: createEventRecorder({ client, clock, log, ...reporter }),
  }
  const recorder = createLoginRecorder({ clock, events, count: (result) => logins.inc({ result }) })
  const findVps = ({ namespace, name }: { namespace: string; name: string }) => vpses.lister.get(`${namespace}/${name}`)
  const server = await startSshServer({ ...options, library, hostKey, findVps, recorder })
  const judge = ({ metadata: { namespace = '', name } }: Vps) => server.judge({ namespace, name })
  const unsubscribe = vpses.subscribe({ update: judge, delete: judge })
  new Gauge({
    name: 'millrace_gateway_ssh_connections',
    help: 'Open SSH connections, by state: loggedIn, waiting.',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      this.set({ state: 'loggedIn' }, server.size)
      this.set({ state: 'waiting' }, server.waiting)
    },
  })
  return {
    port: server.port,
    hostKey: hostKey.publicKey,
    async close() {
      unsubscribe()
      await server.close()
      await Promise.all([events.accepted.close(), events.refused.close()])
    },
  }
}
