/**
 * The fences of the virtual machines of an agent, whose processes have users of their own. Others flush rules, as a firewall that is loaded
 * anew: the fences of those that run are looked after from the agent's start on.
 */
import { sleep, systemClock } from '../../../lib/base/clock.js'
import type { GuestFence } from '../../network/guest-fence.js'
import { Semaphore } from '../semaphore.js'

/** As often as the rules of the node's bridge are. */
const watchMs = 20_000
const passMs = 60_000

export class VmFences {
  /** What is lowered when a guest has ended is not raised by a look that saw it run. */
  private readonly turn = new Semaphore(1)

  constructor(
    private readonly fence: GuestFence,
    /** Those that run now, as their users by key. */
    private readonly running: () => Promise<ReadonlyMap<string, number>>,
  ) {}

  /** Before its process starts. */
  raise(key: string, userId: number, signal: AbortSignal): Promise<void> {
    return this.fence.raise(key, userId, signal)
  }

  /** After its process has ended. */
  lower(key: string, signal: AbortSignal): Promise<void> {
    return this.turn.run(signal, () => this.fence.lower(key, signal))
  }

  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const until = AbortSignal.any([signal, AbortSignal.timeout(passMs)])
      // What fails is told by the fence, and done again.
      await this.turn.run(until, async () => this.fence.ensure(await this.running(), until)).catch(() => {})
      await sleep(systemClock, watchMs, signal).catch(() => {})
    }
  }
}
