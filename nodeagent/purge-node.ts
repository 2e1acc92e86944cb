import { existsSync } from 'node:fs'
import { readFile, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { FlagError } from '../lib/base/flags.js'
import { silentLogger } from '../lib/base/log.js'
import type { AgentFlags } from './agent-flags.js'
import type { Backend } from './backends/backend.js'
import { removeEngineNetwork } from './backends/docker/containers/engine-networks.js'
import type { MachineBackend } from './backends/machine-backend.js'
import { agentPaths } from './files/agent-paths.js'
import { createMachineRecordStore } from './machines/machine-record-store.js'
import { removeBridge } from './network/bridge.js'
import { bridgeMark } from './network/bridge-network.js'
import { createNoNetwork } from './network/node-network.js'
import { commandRunner } from './network/run-command.js'
import { holdAgentDirectory } from './node/agent-directory.js'
import { readMachineFacts } from './node/machine-facts.js'
import { openBackends, openMachineBackends } from './open-backends.js'
import { createWorkloadFiles } from './tasks/files/workload-files.js'
import { createLedgerStore } from './tasks/ledger-store.js'

const removalDeadlineMs = 120_000

export type PurgeFlags = Pick<
  AgentFlags,
  'dataDirectory' | 'workDirectory' | 'backends' | 'dockerSocket' | 'imageDirectory' | 'imageRules' | 'qemuBinary'
>

/** Something of the agent is still there, and why. */
export class PurgeError extends Error {
  override readonly name = 'PurgeError'
}

/**
 * Ends at once whatever an agent that works no more has left running, and removes all of it but its data directory: runs with their control
 * groups, volumes, secrets, logs, the bridge with its rules and taps, and the folders outside of the data directory. Returns what to print.
 */
export async function purgeNode(flags: PurgeFlags, searchPath: string): Promise<string> {
  if (!existsSync(path.join(flags.dataDirectory, 'identity'))) throw new FlagError(`no agent has worked in ${flags.dataDirectory}`)
  const directory = await holdAgentDirectory(flags.dataDirectory)
  try {
    const asRoot = process.getuid?.() === 0
    const paths = await agentPaths({ data: directory.path, work: flags.workDirectory, asRoot })
    const files = createWorkloadFiles(paths, asRoot)
    let runs = 0
    let machines = 0
    const failures: string[] = []
    const bridge = await bridgeOf(directory.path)
    for (const backend of await openBackends(flags, { ...paths, identity: directory.identity, asRoot, users: undefined, searchPath }))
      try {
        runs += await removeRuns(backend)
      } catch (error) {
        failures.push(`${backend.name}: ${(error as Error).message}`)
      } finally {
        await backend.close()
      }
    const common = {
      identity: directory.identity,
      asRoot,
      users: undefined,
      searchPath,
      network: createNoNetwork(),
      gpus: (await readMachineFacts(directory.path, searchPath)).gpus,
      // What cannot be removed is told at the end.
      log: silentLogger,
    }
    for (const backend of await openMachineBackends(flags, { ...paths, ...common }))
      try {
        machines += await removeMachines(backend)
      } catch (error) {
        failures.push(`${backend.name}: ${(error as Error).message}`)
      } finally {
        await backend.close()
      }
    if (bridge !== undefined) await removeNetwork(bridge, flags, searchPath).catch((error: Error) => failures.push(error.message))
    const uids = await createLedgerStore(paths).uids()
    for (const uid of uids) await files.removeAll(uid)
    const records = createMachineRecordStore(paths)
    for (const uid of await records.uids()) await records.remove(uid)
    for (const folder of [paths.work, paths.secrets]) await rmdir(folder).catch(() => {})
    if (failures.length > 0) throw new PurgeError(`not all could be removed: ${[...new Set(failures)].join('; ')}`)
    const andMachines = machines === 0 ? '' : `, and ${machines} machines with their snapshots`
    return `ended and removed ${runs} runs, and the files of ${uids.length} workloads${andMachines}`
  } finally {
    await directory.release()
  }
}

/** The bridge that the agent has made, if it ever made one. */
async function bridgeOf(directory: string): Promise<string | undefined> {
  const file = bridgeMark(directory)
  return existsSync(file) ? (await readFile(file, 'utf8')).trim() : undefined
}

async function removeNetwork(bridge: string, { backends, dockerSocket }: PurgeFlags, searchPath: string): Promise<void> {
  const signal = AbortSignal.timeout(removalDeadlineMs)
  if (backends.includes('docker')) await removeEngineNetwork(dockerSocket, bridge, signal)
  await removeBridge(commandRunner(searchPath), bridge, signal)
}

async function removeRuns(backend: Backend): Promise<number> {
  const runs = await backend.observe(AbortSignal.timeout(removalDeadlineMs))
  await Promise.all(runs.map(({ id }) => backend.remove(id, AbortSignal.timeout(removalDeadlineMs))))
  return runs.length
}

/** Machines with their disks, and their snapshots. */
async function removeMachines(backend: MachineBackend): Promise<number> {
  const deadline = () => AbortSignal.timeout(removalDeadlineMs)
  const machines = await backend.observeMachines(deadline())
  await Promise.all(machines.map(({ uid }) => backend.removeMachine(uid, deadline())))
  for (const { uid } of await backend.observeSnapshots(deadline())) await backend.removeSnapshot(uid, deadline())
  return machines.length
}
