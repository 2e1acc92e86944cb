import type { Task } from '../../../lib/api/kinds/task.js'
import type { AgentParts } from '../../agent-parts.js'
import type { Backend, ObservedRun } from '../../backends/backend.js'
import { printRunKey } from '../../backends/run-key.js'
import { type ProbeResults, Prober } from './prober.js'
import { runProbe } from './run-probe.js'

/** The probes of a workload's current run: begun when it runs, ended when it does not. */
export class RunProbes {
  private current: { readonly key: string; readonly prober: Prober } | undefined

  constructor(
    private readonly parts: Pick<AgentParts, 'clock' | 'events'>,
    private readonly onChange: () => void,
  ) {}

  /** What the probes found of this run so far. */
  resultsOf(task: Task | undefined, run: ObservedRun | undefined, backend: Backend | undefined): ProbeResults {
    const probed = task && backend && run?.state === 'running' && hasProbes(task) && !task.metadata.deletionTimestamp
    const key = probed ? printRunKey(run.id) : undefined
    if (this.current && this.current.key !== key) this.stop()
    if (probed && key !== undefined) this.current ??= { key, prober: this.begin(task, run, backend) }
    return this.current?.prober.results ?? {}
  }

  stop(): void {
    this.current?.prober.stop()
    this.current = undefined
  }

  private begin(task: Task, run: ObservedRun, backend: Backend): Prober {
    const target = { backend, id: run.id, address: run.address ?? '127.0.0.1' }
    return new Prober({
      spec: task.spec,
      clock: this.parts.clock,
      onChange: this.onChange,
      probe: async (probe, signal) => {
        const outcome = await runProbe(probe, target, signal)
        if (outcome !== undefined && !signal.aborted) this.parts.events.record(task, 'Warning', 'Unhealthy', `a probe failed: ${outcome}`)
        return outcome
      },
    })
  }
}

const hasProbes = ({ spec }: Task) => Boolean(spec.startupProbe ?? spec.livenessProbe ?? spec.readinessProbe)
