/**
 * The one writer. Requests queue; whatever has gathered while the last commit was in flight is decided and
 * committed as one batch. No timer: a lone write waits for nobody.
 *
 * Per batch: durable, then published (view and listeners), then answered. After a failed commit the log is read back before the next write,
 * and what is found there beyond the last known revision was committed after all, and is published.
 */
import { serviceUnavailable } from '../../lib/api/api-error.js'
import type { Clock } from '../../lib/base/clock.js'
import { Batch, type BatchOptions, type WriteRequest } from './batch.js'
import { type LogDriver, LogFault, type LogRow, logFaultOf } from './log-driver.js'
import type { Change } from './store.js'

export interface CommitterOptions extends Omit<BatchOptions, 'lastRevision' | 'timeMs'> {
  readonly driver: LogDriver
  /** The newest committed revision. */
  readonly revision: () => number
  readonly clock: Clock
  /** Why writes are refused until the log was reopened, in words; undefined while they are not. */
  readonly refusal: () => string | undefined
  /** Rows that a failed commit left in the log after all. */
  readonly publishFound: (rows: readonly LogRow[]) => void
  readonly publish: (changes: readonly Change[]) => void
  readonly onFault: (fault: LogFault) => void
  readonly onWritable: () => void
  /** What one commit held; for metrics. */
  readonly onBatch?: ((batch: { rows: number }) => void) | undefined
}

/** Deciding is synchronous: after so long the rest of the queue waits for the next batch, and the loop gets a turn. */
const decidingMs = 25

export class Committer {
  private queue: WriteRequest[] = []
  private readonly jobs: (() => Promise<void>)[] = []
  private running: Promise<void> | undefined
  private lastRevision = 0
  private mustReadBack = false
  private stopped = false

  constructor(private readonly options: CommitterOptions) {}

  submit(request: WriteRequest): void {
    if (this.stopped) request.reject(serviceUnavailable('the store is closed'))
    else {
      this.queue.push(request)
      this.wake()
    }
  }

  /** Runs a write to the log between two batches. Its faults count as those of a commit do; refused while those are. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.betweenBatches(async () => {
      const refusal = this.options.refusal()
      if (refusal) throw serviceUnavailable(refusal)
      return job()
    })
  }

  /** Runs what makes the log writable again, between two batches. */
  repair(job: () => Promise<void>): Promise<void> {
    return this.betweenBatches(job)
  }

  /** Publishes what the log has beyond the newest known revision. Within `repair`. */
  async readBack(): Promise<void> {
    await this.options.driver.commit({ after: this.options.revision(), readBack: true, decide: (found) => this.settleFound(found) })
    this.mustReadBack = false
  }

  /** Lets what is queued finish; refuses what comes later. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private betweenBatches<T>(job: () => Promise<T>): Promise<T> {
    if (this.stopped) return Promise.reject(serviceUnavailable('the store is closed'))
    return new Promise((resolve, reject) => {
      this.jobs.push(async () => {
        try {
          resolve(await job())
        } catch (error) {
          if (error instanceof LogFault) this.noteFault(error)
          reject(error)
        }
      })
      this.wake()
    })
  }

  private wake(): void {
    this.running ??= Promise.resolve().then(() => this.run())
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0 || this.jobs.length > 0) {
      const startMs = this.options.clock.monotonic()
      if (this.queue.length > 0) await this.commitBatch()
      await this.jobs.shift()?.()
      if (this.options.clock.monotonic() - startMs > decidingMs) await new Promise((resolve) => setImmediate(resolve))
    }
    this.running = undefined
  }

  private async commitBatch(): Promise<void> {
    const { driver, revision } = this.options
    const refusal = this.options.refusal()
    if (refusal) {
      this.refuseAll(refusal)
      return
    }
    let batch: Batch | undefined
    try {
      await driver.commit({
        after: revision(),
        readBack: this.mustReadBack,
        decide: (found) => {
          this.settleFound(found)
          batch = this.decideBatch()
          return batch.rows
        },
      })
    } catch (error) {
      this.fail(batch, logFaultOf(error))
      return
    }
    this.mustReadBack = false
    if (batch && batch.rows.length > 0) {
      this.options.onWritable()
      this.options.publish(batch.changes)
      this.options.onBatch?.({ rows: batch.rows.length })
    }
    batch?.succeed()
  }

  private decideBatch(): Batch {
    const { view, limits, sealing, clock, revision } = this.options
    const batch = new Batch({ view, limits, sealing, timeMs: clock.now(), lastRevision: Math.max(this.lastRevision, revision()) })
    const startMs = clock.monotonic()
    let taken = 0
    for (const request of this.queue) {
      if (!batch.take(request)) break
      taken++
      if (clock.monotonic() - startMs > decidingMs) break
    }
    this.queue = this.queue.slice(taken)
    this.lastRevision = batch.lastRevision
    return batch
  }

  private settleFound(found: readonly LogRow[]): readonly LogRow[] {
    if (found.length > 0) this.options.publishFound(found)
    return []
  }

  private noteFault(fault: LogFault): void {
    this.mustReadBack = true
    this.options.onFault(fault)
  }

  private fail(batch: Batch | undefined, fault: LogFault): void {
    this.noteFault(fault)
    if (batch) this.queue = [...batch.fail(`the write may or may not have happened: ${fault.message}`), ...this.queue]
    else this.refuseAll(`the log could not be read: ${fault.message}`)
  }

  private refuseAll(message: string): void {
    for (const request of this.queue.splice(0)) request.reject(serviceUnavailable(message))
  }
}
