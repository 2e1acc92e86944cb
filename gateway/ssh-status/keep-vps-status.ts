import { streamNamespace } from '../../lib/api/kinds/lease.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { electLeader } from '../../lib/client/election/elect-leader.js'
import { startControllers } from '../../lib/controller/start-controllers.js'
import { type SshDoor, vpsSsh } from './vps-ssh.js'

export interface KeepVpsStatusOptions extends SshDoor {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** The gateway's name. */
  readonly identity: string
}

/** Agents hear of each change in the namespace of this Lease: it changes seldom. */
const lease = { name: 'gateway-ssh-status', leaseDurationMs: 40_000, renewMs: 30_000, retryMs: 10_000 }

/** One gateway at a time says on every Vps how people log in: several have different addresses. Resolves when the signal aborts. */
export async function keepVpsStatus({ client, clock, log, identity, ...door }: KeepVpsStatusOptions, signal: AbortSignal): Promise<void> {
  await electLeader(
    {
      client,
      clock,
      log,
      identity,
      namespace: streamNamespace,
      ...lease,
      onStarted: (leading) => startControllers([vpsSsh(door)], { client, clock, log, identity }, leading).finished,
    },
    signal,
  )
}
