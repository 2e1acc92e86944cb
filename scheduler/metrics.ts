import { Counter, Gauge, type Registry } from 'prom-client'
import type { Scheduler } from './scheduler.js'

/** What a scheduler counts, in Prometheus' terms; read when it is asked for. */
export function createSchedulerMetrics(registry: Registry, scheduler: Pick<Scheduler, 'waiting' | 'counts'>): void {
  new Gauge({
    name: 'millrace_scheduler_waiting',
    help: 'Workloads that wait for a node, by place: active, backoff, unschedulable.',
    labelNames: ['place'],
    registers: [registry],
    collect() {
      for (const [place, count] of Object.entries(scheduler.waiting)) this.set({ place }, count)
    },
  })
  new Counter({
    name: 'millrace_scheduler_attempts_total',
    help: 'Attempts to place a workload, by result: bound, refused (by the API), unknown, unschedulable.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [result, count] of Object.entries(scheduler.counts)) this.inc({ result }, count)
    },
  })
}
