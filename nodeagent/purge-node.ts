import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import path from 'node:path'
import { FlagError } from '../lib/base/flags.js'
import type { AgentFlags } from './agent-flags.js'
import type { Backend } from './backends/backend.js'
import { agentPaths } from './files/agent-paths.js'
import { createLedgerStore } from './files/ledger-store.js'
import { createWorkloadFiles } from './files/workload-files.js'
import { holdAgentDirectory } from './node/agent-directory.js'
import { openBackends } from './open-backends.js'

const removalDeadlineMs = 120_000

export type PurgeFlags = Pick<AgentFlags, 'dataDirectory' | 'workDirectory' | 'backends' | 'dockerSocket'>

/** Something of the agent is still there, and why. */
export class PurgeError extends Error {
  override readonly name = 'PurgeError'
}

/**
 * Ends at once whatever an agent that works no more has left running, and removes all of it but its data directory: runs with their control groups,
 * volumes, secrets, logs, and the folders outside of the data directory. Returns what to print.
 */
export async function purgeNode(flags: PurgeFlags, searchPath: string): Promise<string> {
  if (!existsSync(path.join(flags.dataDirectory, 'identity'))) throw new FlagError(`no agent has worked in ${flags.dataDirectory}`)
  const directory = await holdAgentDirectory(flags.dataDirectory)
  try {
    const asRoot = process.getuid?.() === 0
    const paths = await agentPaths({ data: directory.path, work: flags.workDirectory, asRoot })
    const files = createWorkloadFiles(paths, asRoot)
    let runs = 0
    const failures: string[] = []
    for (const backend of await openBackends(flags, { runs: paths.runs, identity: directory.identity, asRoot, searchPath }))
      try {
        runs += await removeRuns(backend)
      } catch (error) {
        failures.push(`${backend.name}: ${(error as Error).message}`)
      } finally {
        await backend.close()
      }
    const uids = await createLedgerStore(paths).uids()
    for (const uid of uids) await files.removeAll(uid)
    for (const folder of [paths.work, paths.secrets]) await rmdir(folder).catch(() => {})
    if (failures.length > 0) throw new PurgeError(`not all runs could be removed: ${failures.join('; ')}`)
    return `ended and removed ${runs} runs, and the files of ${uids.length} workloads`
  } finally {
    await directory.release()
  }
}

async function removeRuns(backend: Backend): Promise<number> {
  const runs = await backend.observe(AbortSignal.timeout(removalDeadlineMs))
  await Promise.all(runs.map(({ id }) => backend.remove(id, AbortSignal.timeout(removalDeadlineMs))))
  return runs.length
}
