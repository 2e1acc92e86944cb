import { Counter, Gauge, Histogram, Registry as MetricRegistry } from 'prom-client'

/** What the server counts. One registry per server, so that several live in one process. */
export interface ServerMetrics {
  readonly registry: MetricRegistry
  readonly requestSeconds: Histogram<'verb' | 'resource'>
  readonly requests: Counter<'verb' | 'resource' | 'code'>
}

/** What a scrape reads anew. */
export interface MeasuredNow {
  watches(): number
  delivered(): number
  revision(): number
  inFlight(): { reads: number; writes: number }
}

export function createServerMetrics(now: MeasuredNow): ServerMetrics {
  const registry = new MetricRegistry()
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('process_cpu_seconds_total', 'CPU time of the process since its start.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  gauge('millrace_watches', 'Open watch streams.', now.watches)
  gauge('millrace_watch_events_delivered', 'Events written to watchers since the start.', now.delivered)
  gauge('millrace_store_revision', 'The newest committed revision.', now.revision)
  gauge('millrace_reads_in_flight', 'Reads that are being answered.', () => now.inFlight().reads)
  gauge('millrace_writes_in_flight', 'Writes that are being answered.', () => now.inFlight().writes)
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'millrace_request_duration_seconds',
      help: 'Time to answer requests that are not watches or logs.',
      labelNames: ['verb', 'resource'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    }),
    requests: new Counter({
      name: 'millrace_requests_total',
      help: 'Answered requests.',
      labelNames: ['verb', 'resource', 'code'],
      registers,
    }),
  }
}
