/**
 * Guests that write where the node has no room left. QEMU holds such a guest, with what it wrote, until it is told to go on; nobody in it
 * can do anything. So each is looked at now and then and told to go on when there is room again; until then it is said why it is held.
 */
import { printBytes } from '../../../../lib/api/quantity.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { hasRoom, type ReadSpace } from '../images/free-space.js'
import type { QmpClient } from '../qmp-client.js'

export interface WatchedDisk {
  /** Asks QEMU. Rejects when it does not answer. */
  ask<T>(question: (qmp: Pick<QmpClient, 'execute'>) => Promise<T>, signal: AbortSignal): Promise<T>
  /** Where the machine's disk lies. */
  readonly folder: string
  readonly readSpace: ReadSpace
}

const usualLookMs = 15_000

/** Tells why the guest is held, once, and undefined when it goes on. Ends with the signal. */
export async function watchRoom(
  { ask, folder, readSpace }: WatchedDisk,
  tell: (held: string | undefined) => void,
  signal: AbortSignal,
  lookMs = usualLookMs,
): Promise<void> {
  let wasHeld = false
  for (;;) {
    await sleep(systemClock, lookMs, signal)
    const state = await ask((qmp) => qmp.execute('query-status', {}, { signal }), signal).catch(() => undefined)
    const space = await readSpace(folder).catch(() => undefined)
    if (!state || !space) continue // it has only just begun, or is ending
    const isHeld = (state as { readonly status: string }).status === 'io-error'
    if (isHeld !== wasHeld) tell(isHeld ? wordsOf(folder, space.freeBytes) : undefined)
    wasHeld = isHeld
    // Where there is not enough room it is held again, and the next look finds it so.
    if (isHeld && hasRoom(space)) await ask((qmp) => qmp.execute('cont', {}, { signal }), signal).catch(() => {})
  }
}

const wordsOf = (folder: string, freeBytes: number) =>
  `it is held, as the node had no room for what it wrote to its disk: ${folder} had ${printBytes(freeBytes)} left; remove machines, snapshots or images there, and it goes on`
