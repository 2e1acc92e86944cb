import { existsSync } from 'node:fs'
import { readFile, rmdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../lib/base/clock.js'
import { FlagError } from '../lib/base/flags.js'
import type { Logger } from '../lib/base/log.js'
import { createClient } from '../lib/client/create-client.js'
import { createEventRecorder } from '../lib/client/events/event-recorder.js'
import { loadKubeconfig } from '../lib/client/kubeconfig/load-kubeconfig.js'
import { type AgentFlags, machineName } from './agent-flags.js'
import type { AgentParts } from './agent-parts.js'
import { agentPaths } from './files/agent-paths.js'
import { makeFolder } from './files/make-folder.js'
import { runHollowNodes } from './hollow-nodes.js'
import { createMachineRecordStore } from './machines/machine-record-store.js'
import { openNetwork } from './network/open-network.js'
import { holdAgentDirectory } from './node/agent-directory.js'
import { agentKubeconfig, hasJoined, joinCluster, joinedName, keepCertificate } from './node/client-certificate.js'
import { type MachineFacts, readMachineFacts, withDeclared } from './node/machine-facts.js'
import { runNode } from './node-program.js'
import { openBackends, openMachineBackends } from './open-backends.js'
import { createWorkloadFiles } from './tasks/files/workload-files.js'
import { createLedgerStore } from './tasks/ledger-store.js'
import { AttemptUsers } from './users/attempt-users.js'
import { chooseUsers, readNumbersOfMachine, type WorkloadUsers } from './users/workload-users.js'
import { version } from './version.js'

export interface AgentSignals {
  readonly ending: AbortSignal
  /** The agent ends for another one of this node that comes at once: process tasks go on, as with --keep-processes. */
  readonly replaced: AbortSignal
}

/** Builds the agent from its flags and works until one of the signals aborts. `searchPath`: where programs are found. */
export async function startNodeAgent(
  flags: AgentFlags,
  searchPath: string,
  log: Logger,
  { ending, replaced }: AgentSignals,
): Promise<void> {
  const signal = AbortSignal.any([ending, replaced])
  const directory = await holdAgentDirectory(flags.dataDirectory)
  // Timers of the clock keep no process alive, and one that waits for its cluster has nothing else.
  const awake = setInterval(() => undefined, 60_000)
  try {
    const nodeName = await nameOfNode(directory.path, flags)
    const asRoot = process.getuid?.() === 0
    const kubeconfig = flags.kubeconfig ?? (await ownKubeconfig(directory.path, nodeName, flags, log, signal))
    const { config } = await loadKubeconfig({ env: {}, home: homedir(), kubeconfig })
    const client = createClient(config, { userAgent: `millrace-nodeagent/${version}` })
    const paths = await agentPaths({ data: directory.path, work: flags.workDirectory, asRoot })
    await makeFolder(paths.workloads)
    const users = asRoot ? await usersOf(directory.identity, log) : undefined
    const backends = await openBackends(flags, { ...paths, identity: directory.identity, asRoot, users, searchPath })
    const facts = declaredFacts(await readMachineFacts(directory.path, searchPath), flags)
    const network = openNetwork({
      choice: flags.network,
      openPorts: flags.openPorts,
      client,
      nodeName,
      identity: directory.identity,
      directory: directory.path,
      searchPath,
      log,
    })
    const common = { identity: directory.identity, asRoot, users, searchPath, network, gpus: facts.gpus, log }
    const machines = await openMachineBackends(flags, { ...paths, ...common })
    const events = createEventRecorder({ client, component: 'millrace-nodeagent', instance: nodeName, clock: systemClock, log })
    const parts: AgentParts = {
      nodeName,
      client,
      clock: systemClock,
      log,
      events,
      backends: new Map(backends.map((backend) => [backend.name, backend])),
      machines: new Map(machines.map((backend) => [backend.name, backend])),
      machineRecords: createMachineRecordStore(paths),
      transfers: paths.transfers,
      files: createWorkloadFiles(paths, asRoot),
      ledgers: createLedgerStore(paths),
      network,
      gpus: facts.gpus,
      users: new AttemptUsers(users?.attempts),
    }
    const loops = [
      ...(flags.kubeconfig
        ? []
        : [(running: AbortSignal) => keepCertificate({ client, clock: systemClock, log, directory: directory.path, nodeName }, running)]),
      (running: AbortSignal) => network.watch(running),
      ...(flags.hollowNodes > 0 ? [await hollowLoop(flags, directory.path, facts, log)] : []),
    ]
    const settings = { cpuFactor: flags.cpuFactor, maxWorkloads: flags.maxWorkloads, version }
    const program = {
      parts,
      config,
      identity: directory.holder,
      facts,
      settings,
      labels: flags.labels,
      leaseMs: flags.leaseSeconds * 1000,
      dataFolder: directory.path,
      searchPath,
      streams: client.server.startsWith('https:'),
    }
    log.info({ node: nodeName, backends: flags.backends, limits: asRoot ? 'root' : 'no root' }, 'the agent works')
    try {
      await runNode({ ...program, endProcesses: () => !flags.keepProcesses && !replaced.aborted, loops }, signal)
    } finally {
      await client.close()
      // Folders outside of the data directory go when nothing is in them.
      for (const folder of [paths.work, paths.secrets]) await rmdir(folder).catch(() => {})
    }
    log.info('stopped')
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    log.info('stopped')
  } finally {
    clearInterval(awake)
    await directory.release()
  }
}

async function usersOf(identity: string, log: Logger): Promise<WorkloadUsers | undefined> {
  const users = chooseUsers(identity, await readNumbersOfMachine())
  if (!users)
    log.warn(
      'this machine has no block of 131072 users that are nobody: Tasks run as the user of the agent, in privileged namespaces alone; free one in /etc/subuid and /etc/subgid, or map more users to the container that the agent is in',
    )
  return users
}

function declaredFacts(facts: MachineFacts, { capacity }: AgentFlags): MachineFacts {
  try {
    return withDeclared(facts, capacity)
  } catch (error) {
    throw new FlagError(`--memory: ${(error as Error).message}`, { cause: error })
  }
}

/** The one that the machine has joined as, if it has. */
async function nameOfNode(directory: string, { nodeName, kubeconfig }: AgentFlags): Promise<string> {
  if (kubeconfig !== undefined || !hasJoined(directory)) return nodeName ?? machineName()
  const joined = await joinedName(directory)
  if (nodeName !== undefined && nodeName !== joined)
    throw new FlagError(`--node-name ${nodeName}: ${directory} has joined as the node ${joined}; another node has another --data-dir`)
  return joined
}

async function ownKubeconfig(directory: string, nodeName: string, flags: AgentFlags, log: Logger, signal: AbortSignal): Promise<string> {
  if (!hasJoined(directory)) {
    const { server, joinTokenFile, caFile } = flags
    if (server === undefined || joinTokenFile === undefined)
      throw new FlagError(
        'this machine has not joined a cluster yet: give --server and --join-token-file (kubectl-lite join-token makes one), or --kubeconfig',
      )
    const ca = caFile === undefined ? undefined : await readAuthority(caFile)
    await joinCluster({ directory, nodeName, server, ca, tokenFile: joinTokenFile, log }, signal)
  }
  return agentKubeconfig(directory)
}

async function readAuthority(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new FlagError(`--ca-file ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function hollowLoop(
  flags: AgentFlags,
  directory: string,
  facts: MachineFacts,
  log: Logger,
): Promise<(signal: AbortSignal) => Promise<void>> {
  const kubeconfig = flags.hollowKubeconfig ?? path.resolve(directory, '../../admin.kubeconfig')
  if (!existsSync(kubeconfig)) throw new FlagError('--hollow-nodes needs credentials that may act as every node: --hollow-kubeconfig')
  const { config } = await loadKubeconfig({ env: {}, home: homedir(), kubeconfig })
  const client = createClient(config, { userAgent: `millrace-hollow-nodes/${version}` })
  const events = createEventRecorder({ client, component: 'millrace-hollow-node', clock: systemClock, log })
  const settings = { cpuFactor: flags.cpuFactor, maxWorkloads: flags.maxWorkloads, version }
  const common = { count: flags.hollowNodes, prefix: 'hollow', client, config, events, log, facts, dataFolder: directory, settings }
  return async (signal) => {
    try {
      await runHollowNodes(common, signal)
    } finally {
      await client.close()
    }
  }
}
