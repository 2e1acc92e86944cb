import type { PodMetrics } from '../../lib/api/kinds/pod-metrics.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { useCells } from './print-use.js'
import type { TopRow } from './top-row.js'

export const workloadColumns = ['NAME', 'NODE', 'CPU', 'CPU%', 'MEMORY', 'MEMORY%'] as const

/** Phases in which something may use anything. */
const livePhases: ReadonlySet<string> = new Set(['Running', 'Paused', 'Unknown'])

/** A row for each that runs, with its share of what it may use at most. `podPrefix`: what its Pod's name begins with. */
export function workloadRows(
  workloads: readonly (Task | Vps)[],
  metrics: readonly PodMetrics[],
  { podPrefix, withNamespace }: { readonly podPrefix: string; readonly withNamespace: boolean },
): TopRow[] {
  const measured = new Map(metrics.map(({ metadata, containers }) => [`${metadata.namespace}/${metadata.name}`, containers[0]?.usage]))
  return workloads
    .filter(({ status }) => livePhases.has(status?.phase ?? ''))
    .map(({ metadata, spec }) => {
      const usage = measured.get(`${metadata.namespace}/${podPrefix}${metadata.name}`)
      const { limits } = spec.resources ?? {}
      const cells = [spec.nodeName ?? '', ...useCells(usage, limits, 'cpu'), ...useCells(usage, limits, 'memory')]
      const place = withNamespace ? [metadata.namespace ?? ''] : []
      return { cells: [...place, metadata.name, ...cells], name: metadata.name, usage }
    })
}
