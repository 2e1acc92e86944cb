import { backoffDelayMs } from '../../lib/base/backoff.js'
import type { Clock, Timer } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { LogFault } from './log-driver.js'
import type { WriteState } from './store.js'

export interface WriteGateOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Tries to make the log writable again; rejects when it is not. */
  readonly heal: (fault: LogFault) => Promise<void>
}

/**
 * Whether writes are taken. A fault closes the gate, and healing is tried with back-off until it works. A full disk closes it for readiness
 * alone: writes are still tried, and the first that succeeds opens it. After any other fault they are refused until the log was reopened.
 */
export class WriteGate {
  private fault: LogFault | undefined
  private timer: Timer | undefined
  private attempt = 0
  private healing = false
  private stopped = false

  constructor(private readonly options: WriteGateOptions) {}

  get state(): WriteState {
    return this.fault ? { open: false, reason: this.fault.message } : { open: true }
  }

  /** Why writes must not even be tried; undefined while they may. */
  get refusal(): string | undefined {
    return this.fault?.fault === 'io' ? `writes are closed until the log was reopened: ${this.fault.message}` : undefined
  }

  onFault(fault: LogFault): void {
    if (!this.fault)
      this.options.logger.error({ fault: fault.fault, reason: fault.message }, 'the log cannot be written: writes are closed')
    if (this.refusal === undefined) this.fault = fault
    this.schedule()
  }

  /** A write went through, or healing did. */
  onWritable(): void {
    if (!this.fault) return
    this.options.logger.info({ after: this.fault.message }, 'the log can be written again: writes are open')
    this.fault = undefined
    this.attempt = 0
    this.timer?.cancel()
    this.timer = undefined
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private schedule(): void {
    if (this.stopped || this.healing || this.timer) return
    const delayMs = backoffDelayMs(this.attempt++, { initialMs: 500, maxMs: 15_000, jitter: 'none' })
    this.timer = this.options.clock.setTimer(delayMs, () => {
      this.timer = undefined
      void this.tryToHeal()
    })
  }

  private async tryToHeal(): Promise<void> {
    const fault = this.fault
    if (!fault) return
    this.healing = true
    try {
      await this.options.heal(fault)
      if (this.fault === fault) this.onWritable()
    } catch (error) {
      this.options.logger.warn({ attempt: this.attempt, reason: String(error) }, 'the log is still not writable')
    } finally {
      this.healing = false
      if (this.fault) this.schedule()
    }
  }
}
