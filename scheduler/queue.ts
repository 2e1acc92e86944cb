import { backoffDelayMs } from '../lib/base/backoff.js'
import type { Clock, Timer } from '../lib/base/clock.js'
import { Heap } from './heap.js'
import type { Workload } from './workload.js'

export interface QueueOptions {
  readonly clock: Clock
  /** Called when something can be popped that could not be before. */
  readonly onReady: () => void
  /** Wait after the first failed attempt. Default 250 ms, doubling. */
  readonly initialBackoffMs?: number
  readonly maxBackoffMs?: number
  /** After this long an unschedulable workload is tried again whatever happened: a net below the cluster events. Default 60 s. */
  readonly unschedulableMs?: number
}

interface Entry {
  workload: Workload
  /** Order among equals: who came first. */
  readonly order: number
  attempts: number
  /** Monotonic time before which it is not tried again. */
  notBefore: number
  place: 'active' | 'backoff' | 'unschedulable' | 'out'
  /** Counts moves, so that what heaps hold of an earlier move is passed over. */
  move: number
  parkedAt: number
}

interface Slot {
  readonly entry: Entry
  readonly move: number
  readonly priority: number
  readonly at: number
}

/**
 * The workloads that wait for a node. `active`: to be tried now, the highest priority first, then the oldest. `backoff`: failed for a
 * passing reason, tried again after a delay. `unschedulable`: no node fits; only a change of the cluster that can help moves it.
 */
export class SchedulingQueue {
  private readonly entries = new Map<string, Entry>()
  private readonly active = new Heap<Slot>(
    (a, b) => a.priority > b.priority || (a.priority === b.priority && a.entry.order < b.entry.order),
  )
  private readonly backoff = new Heap<Slot>((a, b) => a.at < b.at)
  private readonly unschedulable = new Set<Entry>()
  private nextOrder = 0
  private timer: { readonly at: number; readonly handle: Timer } | undefined
  private flushTimer: Timer | undefined
  private readonly options: Required<QueueOptions>

  constructor(options: QueueOptions) {
    this.options = { initialBackoffMs: 250, maxBackoffMs: 10_000, unschedulableMs: 60_000, ...options }
  }

  /** How many wait, by place. */
  get sizes(): { active: number; backoff: number; unschedulable: number } {
    const sizes = { active: 0, backoff: 0, unschedulable: 0 }
    for (const { place } of this.entries.values()) if (place !== 'out') sizes[place]++
    return sizes
  }

  /** Whether pop may have something. */
  get hasActive(): boolean {
    return this.active.size > 0
  }
  get hasUnschedulable(): boolean {
    return this.unschedulable.size > 0
  }

  /** Takes a workload in, or its new version. A changed spec is tried at once; a changed status alone moves nothing. */
  set(workload: Workload): void {
    const entry = this.entries.get(workload.key)
    if (entry?.workload.uid === workload.uid) {
      const specChanged = entry.workload.generation !== workload.generation
      entry.workload = workload
      if (specChanged && entry.place !== 'out') this.activate(entry)
      return
    }
    this.remove(workload.key)
    const fresh: Entry = { workload, order: this.nextOrder++, attempts: 0, notBefore: 0, place: 'out', move: 0, parkedAt: 0 }
    this.entries.set(workload.key, fresh)
    this.activate(fresh)
  }

  remove(key: string): void {
    const entry = this.entries.get(key)
    if (!entry) return
    this.leave(entry)
    this.entries.delete(key)
  }

  /** The next workload to try; it stays known as `out` until it is parked or removed. */
  pop(): Workload | undefined {
    for (;;) {
      const slot = this.active.pop()
      if (!slot) return undefined
      if (slot.entry.move !== slot.move) continue
      this.leave(slot.entry)
      slot.entry.attempts++
      return slot.entry.workload
    }
  }

  /** No node fits. */
  parkUnschedulable(key: string): void {
    const entry = this.park(key)
    if (!entry) return
    entry.place = 'unschedulable'
    this.unschedulable.add(entry)
    this.flushTimer ??= this.options.clock.setTimer(this.options.unschedulableMs, () => this.flush())
  }

  /** The attempt failed for a passing reason. */
  parkBackoff(key: string): void {
    const entry = this.park(key)
    if (entry) this.delay(entry)
  }

  /**
   * Shows the unschedulable workloads to `helps`, the highest priority first; those for which it
   * returns true are tried again, once their back-off has passed.
   */
  moveHelped(helps: (workload: Workload) => boolean): void {
    const waiting = [...this.unschedulable].sort((a, b) => b.workload.priority - a.workload.priority || a.order - b.order)
    for (const entry of waiting) if (helps(entry.workload)) this.retry(entry)
  }

  close(): void {
    this.timer?.handle.cancel()
    this.flushTimer?.cancel()
  }

  private flush(): void {
    this.flushTimer = undefined
    const now = this.options.clock.monotonic()
    for (const entry of [...this.unschedulable]) if (entry.parkedAt + this.options.unschedulableMs <= now) this.retry(entry)
    const oldest = this.unschedulable.values().next().value
    if (oldest) this.flushTimer = this.options.clock.setTimer(oldest.parkedAt + this.options.unschedulableMs - now, () => this.flush())
  }

  private park(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry?.place !== 'out') return undefined
    const { clock, initialBackoffMs, maxBackoffMs } = this.options
    entry.parkedAt = clock.monotonic()
    entry.notBefore =
      entry.parkedAt + backoffDelayMs(entry.attempts - 1, { initialMs: initialBackoffMs, maxMs: maxBackoffMs, jitter: 'none' })
    return entry
  }

  private retry(entry: Entry): void {
    this.leave(entry)
    if (entry.notBefore <= this.options.clock.monotonic()) this.activate(entry)
    else this.delay(entry)
  }

  private activate(entry: Entry): void {
    this.leave(entry)
    entry.place = 'active'
    this.active.push({ entry, move: entry.move, priority: entry.workload.priority, at: 0 })
    this.options.onReady()
  }

  private delay(entry: Entry): void {
    entry.place = 'backoff'
    this.backoff.push({ entry, move: entry.move, priority: 0, at: entry.notBefore })
    this.armTimer()
  }

  private armTimer(): void {
    const next = this.backoff.peek()
    if (!next || (this.timer && this.timer.at <= next.at)) return
    this.timer?.handle.cancel()
    const handle = this.options.clock.setTimer(Math.max(0, next.at - this.options.clock.monotonic()), () => this.endBackoff())
    this.timer = { at: next.at, handle }
  }

  private endBackoff(): void {
    this.timer = undefined
    const now = this.options.clock.monotonic()
    for (let slot = this.backoff.peek(); slot && slot.at <= now; slot = this.backoff.peek()) {
      this.backoff.pop()
      if (slot.entry.move === slot.move) this.activate(slot.entry)
    }
    this.armTimer()
  }

  private leave(entry: Entry): void {
    entry.move++
    this.unschedulable.delete(entry)
    entry.place = 'out'
  }
}
