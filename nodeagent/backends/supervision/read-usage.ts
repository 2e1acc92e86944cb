import type { RunUsage } from '../backend.js'
import type { Cgroups } from '../cgroups/cgroups.js'
import { printRunKey } from '../run-key.js'
import { descendantsOf, listProcesses } from './proc.js'
import type { RunRecord } from './run-records.js'

/**
 * What runs use, as their control groups count it; what those do not count is the sum over everything below the run's shim. The shim counts
 * too: it waits for what nobody else waits for, so that the CPU time of ended processes is not lost.
 */
export async function readUsage(
  runs: readonly { readonly record: RunRecord; readonly shimPid: number }[],
  cgroups: Cgroups | undefined,
): Promise<readonly RunUsage[]> {
  const counted = await Promise.all(
    runs.map(async (run) => ({ ...run, inGroup: (await cgroups?.usage(printRunKey(run.record.id))) ?? {} })),
  )
  const isWhole = counted.every(({ inGroup }) => inGroup.cpuNanos !== undefined && inGroup.memoryBytes !== undefined)
  const processes = isWhole ? [] : await listProcesses()
  return counted.map(({ record: { id, namespace, name }, shimPid, inGroup }) => {
    const below = descendantsOf(shimPid, processes)
    const shim = processes.filter(({ pid }) => pid === shimPid)
    return {
      id,
      namespace,
      name,
      cpuNanos: inGroup.cpuNanos ?? [...shim, ...below].reduce((sum, process) => sum + process.cpuNanos, 0),
      memoryBytes: inGroup.memoryBytes ?? below.reduce((sum, process) => sum + process.residentBytes, 0),
    }
  })
}
