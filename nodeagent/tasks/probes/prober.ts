import type { Task, TaskProbe } from '../../../lib/api/kinds/task.js'
import { type Clock, sleep } from '../../../lib/base/clock.js'
import type { ProbeOutcome } from './run-probe.js'

type ProbeName = 'startupProbe' | 'livenessProbe' | 'readinessProbe'

/** Undefined where there is no such probe, or no result yet. */
export interface ProbeResults {
  readonly started?: boolean | undefined
  readonly live?: boolean | undefined
  readonly ready?: boolean | undefined
  /** Why the last one failed. */
  readonly message?: string | undefined
}

export interface ProberOptions {
  readonly spec: Pick<Task['spec'], ProbeName>
  readonly clock: Clock
  readonly probe: (probe: TaskProbe, signal: AbortSignal) => Promise<ProbeOutcome>
  /** Called when a result changed. */
  readonly onChange: () => void
}

/** Probes one run until it is stopped: the startup probe first, then liveness and readiness side by side. */
export class Prober {
  private found: ProbeResults = {}
  private readonly ending = new AbortController()

  constructor(private readonly options: ProberOptions) {
    void this.probeAll()
  }

  get results(): ProbeResults {
    return this.found
  }

  stop(): void {
    this.ending.abort()
  }

  private async probeAll(): Promise<void> {
    const { startupProbe, livenessProbe, readinessProbe } = this.options.spec
    if (startupProbe) {
      const started = await this.repeat(startupProbe, (good, message) => this.change({ started: good, message }), true)
      if (!started) return
    }
    if (livenessProbe)
      void this.repeat(livenessProbe, (good, message) => this.change(good ? { live: true } : { live: false, message }), false)
    if (readinessProbe) void this.repeat(readinessProbe, (good, message) => this.change({ ready: good, message }), false)
  }

  /** Reports each time the threshold of successes or failures is reached. Resolves with the first result when `once`, else when stopped. */
  private async repeat(probe: TaskProbe, report: (good: boolean, message: string | undefined) => void, once: boolean): Promise<boolean> {
    const { clock } = this.options
    const { signal } = this.ending
    let successes = 0
    let failures = 0
    try {
      await sleep(clock, probe.initialDelaySeconds * 1000, signal)
      for (;;) {
        const message = await this.options.probe(probe, signal)
        signal.throwIfAborted()
        successes = message === undefined ? successes + 1 : 0
        failures = message === undefined ? 0 : failures + 1
        if (successes >= probe.successThreshold || failures >= probe.failureThreshold) {
          report(message === undefined, message)
          if (once) return message === undefined
        }
        await sleep(clock, probe.periodSeconds * 1000, signal)
      }
    } catch {
      return false // stopped
    }
  }

  private change(results: ProbeResults): void {
    const next = { ...this.found, ...results }
    if (next.started === this.found.started && next.live === this.found.live && next.ready === this.found.ready) return
    this.found = next
    this.options.onChange()
  }
}
