import type { ClusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { type Commands, runInSight } from './command.js'
import { LaunchError } from './launch-error.js'
import { readProgram } from './program-record.js'
import { type ProgramName, programs } from './programs.js'

export interface StopOptions {
  readonly directory: ClusterDirectory
  readonly commands: Commands
  readonly record: ClusterRecord | undefined
  /** Delete the Tasks, rather than evict them: nobody will come back to them. */
  readonly forGood: boolean
}

/** Who must run for Tasks to be deleted with all that they left, and evicted. */
const deleters: readonly ProgramName[] = ['apiserver', 'nodeagent']
const evicters: readonly ProgramName[] = [...deleters, 'controller-manager']

/**
 * Ends everything that runs on the node, containers too, while the programs that can do it still run. Evicted Tasks with onNodeLost:
 * Reschedule go on after the next `up`, which uncordons the node.
 */
export async function stopWorkloads({ directory, commands, record, forGood }: StopOptions): Promise<void> {
  if (record === undefined || !record.complete) return
  const isMissing = (program: ProgramName): boolean => readProgram(directory, program) === undefined
  const missing = (forGood ? deleters : evicters).filter(isMissing)
  if (missing.length > 0) {
    // What an agent left is removed at the end, without it.
    if (forGood && programs.every(isMissing)) return
    throw new LaunchError(
      `The workloads can be ended only while the cluster runs, and ${missing.join(', ')} ${missing.length === 1 ? 'does' : 'do'} not. Start it with npm run up -- --data-dir ${directory.path}, then run this again.`,
    )
  }
  const args = [
    '--kubeconfig',
    directory.adminKubeconfig,
    'drain',
    record.nodeName,
    '--force',
    '--timeout=90s',
    forGood ? '--disable-eviction' : '--ignore-budgets',
  ]
  const code = await runInSight(commands, 'kubectl-lite', args, directory.path)
  if (code !== 0)
    throw new LaunchError(
      'Not all workloads have ended; the cluster still runs. What stands above says which. Run this again, or leave --stop-workloads out.',
    )
}
