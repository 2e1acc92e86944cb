import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { execInGuest } from './exec-in-guest.js'
import type { GuestSsh } from './guest-ssh.js'

const patienceMs = 5000

/** Lets a guest write to its disk what it holds. One that does not answer in time is left as it is: as after a loss of power. */
export async function flushGuest(wayIn: (signal: AbortSignal) => Promise<GuestSsh>, signal: AbortSignal): Promise<void> {
  const enough = new AbortController()
  const soon = AbortSignal.any([signal, enough.signal])
  const flushed = async () => {
    const session = await execInGuest(await wayIn(soon), { command: ['sync'], stdin: false, tty: false }, soon)
    session.stdout.resume()
    session.stderr?.resume()
    await session.ended
  }
  await Promise.race([flushed().catch(() => {}), sleep(systemClock, patienceMs, soon).catch(() => {})])
  enough.abort()
  signal.throwIfAborted()
}
