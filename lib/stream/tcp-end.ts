/**
 * The two ways in which a connection by TCP ends: whole, or broken off. What was
 * broken off is never taken for the whole, by neither of its ends.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'

/** Ends a stream that did not come to its end. By TCP that is a reset: a mere close would look like the end of the whole. */
export function breakOff(stream: Duplex, why: Error): void {
  if (stream instanceof Socket && handleOf(stream)?.reset) stream.resetAndDestroy()
  else stream.destroy(why)
}

/**
 * To be called when a stream has ended; rejects when that was no end. Node tells a reset as an end when it comes together
 * with the bytes before it (libuv makes one of each hang-up behind a read that filled less than it could): so a socket is
 * read once more, which gives the same end again, or the error.
 */
export async function assertWhole(stream: Duplex): Promise<void> {
  const handle = handleOf(stream)
  if (!handle?.readStart) return
  handle.readStart()
  // The answer is there once the loop has polled, which the first turn may not do any more.
  for (let turn = 0; turn < 2; turn++) await setImmediate()
  if (stream.errored) throw stream.errored
}

interface Handle {
  readStart?(): number
  /** That of TCP alone has it. */
  readonly reset?: unknown
}

/** Undefined for what is no plain socket, or has none any more. */
function handleOf(stream: Duplex): Handle | undefined {
  const { _handle } = stream as { _handle?: Handle | null }
  return stream instanceof Socket && !(stream instanceof TLSSocket) ? (_handle ?? undefined) : undefined
}
