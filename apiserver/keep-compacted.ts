import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Store } from './storage/store.js'

export interface CompactionWindow {
  readonly store: Pick<Store, 'revision' | 'compactRevision' | 'compact' | 'writeState'>
  readonly clock: Clock
  readonly log: Logger
  /** Revisions younger than this stay, so that a watch can be resumed for so long at least. */
  readonly windowMs: number
}

/** Raises the store's floor twice in each window, to where the store was one window ago. Returns how to stop. */
export function keepCompacted({ store, clock, log, windowMs }: CompactionWindow): () => void {
  const stepMs = windowMs / 2
  /** The store's revision at the last steps, oldest first. */
  let past: readonly number[] = [store.revision]
  const step = () => {
    timer = clock.setTimer(stepMs, step)
    past = [...past.slice(-2), store.revision]
    const [floor = 0] = past
    if (past.length < 3 || floor <= store.compactRevision || !store.writeState.open) return
    store.compact(floor).catch((error: unknown) => log.warn({ floor, error: String(error) }, 'compaction failed; it is tried again'))
  }
  let timer = clock.setTimer(stepMs, step)
  return () => timer.cancel()
}
