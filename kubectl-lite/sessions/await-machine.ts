/** Waits for a Vps that is on its way to be one that people can get into, and says meanwhile what stands before it. */
import { type Condition, findCondition } from '../../lib/api/condition.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { ExitError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { deadline, TimedOut } from '../cli/timeout.js'
import type { Cluster } from '../cluster/cluster.js'
import { followObject } from '../cluster/follow-object.js'
import type { Target } from '../cluster/target-objects.js'

/** What stands before a login. */
export interface Obstacle {
  readonly reason: string
  readonly message: string
}

/** In the order in which they come true. */
const steps = ['Scheduled', 'Accepted', 'ImageReady', 'DiskReady', 'Restored', 'Running', 'Ready']

/** Undefined: nobody can be expected to get in later than now, be it that they can or that something else must happen first. */
export function obstacleOf(vps: Pick<Vps, 'metadata' | 'spec' | 'status'>): Obstacle | undefined {
  const { metadata, spec, status } = vps
  if (!spec.running || spec.ssh.mode === 'disabled' || metadata.deletionTimestamp !== undefined) return undefined
  const phase = status?.phase ?? 'Pending'
  if (phase === 'Failed' || phase === 'Unknown') return undefined
  if (phase === 'Running') {
    const ready = findCondition(vps, 'Ready')
    return ready?.status === 'False' && ready.reason === 'Booting' ? obstacle(ready) : undefined
  }
  const standing = steps.map((type) => findCondition(vps, type)).find((condition) => condition?.status === 'False')
  return standing && standing.reason !== 'Stopped' ? obstacle(standing) : { reason: phase, message: `it is ${phase}` }
}

const obstacle = ({ reason = '', message = '' }: Condition): Obstacle => ({ reason, message })

/**
 * Resolves with the Vps when nothing stands before a login that waiting would help. Throws ExitError when it is gone, or the time is up.
 */
export async function awaitMachine(cluster: Cluster, target: Target, io: Io, timeoutMs: number): Promise<Vps> {
  const signal = deadline(io.signal, timeoutMs)
  let told: Obstacle | undefined
  const isThere = (object: unknown): boolean => {
    const now = object === undefined ? undefined : obstacleOf(object as Vps)
    if (now && now.reason !== told?.reason) io.err(`waiting for vps/${target.name}: ${now.message}\n`)
    told = now
    return now === undefined
  }
  try {
    const vps = await followObject(cluster, target, isThere, signal)
    if (!vps) throw new ExitError('notFound', `there is no vps/${target.name}`)
    return vps as unknown as Vps
  } catch (error) {
    if (!(signal.reason instanceof TimedOut)) throw error
    throw new ExitError('timedOut', `timed out waiting for vps/${target.name}: ${told?.message ?? 'it did not come'}`)
  }
}
