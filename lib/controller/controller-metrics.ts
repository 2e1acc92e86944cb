import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** How a pass ended. */
export type PassResult = 'success' | 'requeue' | 'conflict' | 'error' | 'terminal'

/** What the controllers of a process count, in Prometheus' terms. */
export interface ControllerMetrics {
  pass(controller: string, result: PassResult, seconds: number): void
  /** `length` is read at each scrape. */
  queue(controller: string, length: () => number): void
}

/** Counts nothing. */
export const noMetrics: ControllerMetrics = { pass: () => {}, queue: () => {} }

export function createControllerMetrics(registry: Registry): ControllerMetrics {
  const lengths = new Map<string, () => number>()
  const registers = [registry]
  const labelNames = ['controller']
  const passes = new Counter({
    name: 'millrace_reconcile_total',
    help: 'Passes, by result: success, requeue, conflict, error (comes back), terminal (does not).',
    labelNames: [...labelNames, 'result'],
    registers,
  })
  const seconds = new Histogram({ name: 'millrace_reconcile_duration_seconds', help: 'Time that passes take.', labelNames, registers })
  new Gauge({
    name: 'millrace_reconcile_queue_length',
    help: 'Objects that wait for a pass now.',
    labelNames,
    registers,
    collect() {
      for (const [controller, length] of lengths) this.set({ controller }, length())
    },
  })
  return {
    pass(controller, result, duration) {
      passes.inc({ controller, result })
      seconds.observe({ controller }, duration)
    },
    queue: (controller, length) => void lengths.set(controller, length),
  }
}
