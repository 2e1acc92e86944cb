/**
 * Runs something in one process at a time, among all that ask for the same Lease:
 *
 *     const lease = { namespace: 'kube-system', name: 'millrace-scheduler', identity: hostname() }
 *     await electLeader({ client, clock, ...lease, onStarted: (signal) => schedule(signal) }, signal)
 *
 * The rule: a Lease elects, it does not lock. A leader that was stopped and continued may act for a moment beside the next one, so each of
 * its writes is guarded by a resourceVersion or a uid all the same.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, sleep } from '../../base/clock.js'
import type { Logger } from '../../base/log.js'
import type { Client } from '../client.js'
import { describeOwnProcess } from './holder-process.js'
import { LeaseClaim } from './lease-claim.js'

export interface ElectLeaderOptions {
  readonly client: Client
  readonly clock: Clock
  readonly namespace: string
  readonly name: string
  /** What people see as the holder; it is made unique. */
  readonly identity: string
  /** A Lease that has not been seen to change for so long is free; one whose holder is surely gone is at once. Default 15 000. */
  readonly leaseDurationMs?: number
  /** A leader that could not renew for so long stops. Default 10 000; less than leaseDurationMs. */
  readonly renewMs?: number
  /** Between two tries, to take the Lease or to renew it. Default 2 000. */
  readonly retryMs?: number
  readonly log?: Logger | undefined
  readonly random?: () => number
  /** Runs while this process leads; the signal aborts when it does not any more. Nothing is asked for again before it has settled. */
  readonly onStarted: (signal: AbortSignal) => Promise<void>
  /** Called when leading has ended, after what `onStarted` began has settled. */
  readonly onStopped?: () => void
}

/**
 * Asks for the Lease until the signal aborts, and leads whenever it has it. Resolves when the signal has aborted or `onStarted` has
 * resolved of itself; rejects with what `onStarted` rejects with. The Lease is given back at the end.
 */
export async function electLeader(options: ElectLeaderOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, leaseDurationMs = 15_000, renewMs = 10_000, retryMs = 2_000, random = Math.random } = options
  if (renewMs >= leaseDurationMs) throw new Error('renewMs must be less than leaseDurationMs')
  const ownProcess = describeOwnProcess()
  const identity = `${options.identity}_${randomUUID()}${ownProcess === undefined ? '' : `_${ownProcess}`}`
  const claim = new LeaseClaim({ ...options, leaseDurationMs, identity })
  const timing = { leaseDurationMs, renewMs, retryMs }
  let lastHolder: string | undefined
  while (!signal.aborted) {
    const askedAtMs = clock.monotonic()
    const held = await claim.takeOrRenew(signal).catch((error: unknown) => {
      if (!signal.aborted) log?.warn({ err: error, lease: options.name }, 'the Lease could not be asked for')
      return false
    })
    if (held) {
      log?.info({ lease: options.name }, 'leading')
      const finished = await lead(options, timing, claim, askedAtMs, signal).finally(() => options.onStopped?.())
      if (finished) return
      log?.warn({ lease: options.name }, 'leading no longer: the Lease could not be renewed')
    } else if (claim.holder !== lastHolder && claim.holder !== identity) {
      lastHolder = claim.holder
      log?.info({ lease: options.name, holder: lastHolder }, 'standing by')
    }
    await sleep(clock, retryMs * (1 + 0.2 * random()), signal).catch(() => {})
  }
}

interface Timing {
  readonly renewMs: number
  readonly retryMs: number
}

/** Leads until the Lease is lost (false), or the work or the signal has ended (true; the Lease is given back). */
async function lead(
  options: ElectLeaderOptions,
  timing: Timing,
  claim: LeaseClaim,
  askedAtMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = options
  const leading = new AbortController()
  const worked = new AbortController()
  let lost = false
  const lose = () => {
    lost = true
    leading.abort(new Error(`the Lease ${options.name} was lost`))
  }
  const stop = () => leading.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()

  /** Counted from before the request that renewed it: nobody can have seen the renewal earlier. */
  let deadline = clock.setTimer(askedAtMs + timing.renewMs - clock.monotonic(), lose)
  const renew = async () => {
    while (!lost) {
      await sleep(clock, timing.retryMs, worked.signal)
      const startedMs = clock.monotonic()
      const held = await claim.takeOrRenew(worked.signal).catch(() => undefined)
      if (lost || worked.signal.aborted) return
      if (held === false) return lose()
      if (held === undefined) continue
      deadline.cancel()
      deadline = clock.setTimer(startedMs + timing.renewMs - clock.monotonic(), lose)
    }
  }
  // The Lease is renewed until the work has really ended, so that nobody begins beside its last steps.
  const renewing = renew().catch(() => {})
  try {
    await options.onStarted(leading.signal)
  } catch (error) {
    // A failure because the Lease was lost is the loss, not a failure of its own.
    if (!leading.signal.aborted) throw error
  } finally {
    worked.abort()
    deadline.cancel()
    signal.removeEventListener('abort', stop)
    await renewing
    if (!lost) await release(options, claim)
  }
  return !lost
}

async function release(options: ElectLeaderOptions, claim: LeaseClaim): Promise<void> {
  try {
    await claim.release(AbortSignal.timeout(2_000))
  } catch (error) {
    options.log?.info({ err: error, lease: options.name }, 'the Lease could not be given back; it runs out by itself')
  }
}
