import { systemClock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import type { ClientConfig } from '../lib/client/client-config.js'
import type { EventRecorder } from '../lib/client/events/event-recorder.js'
import { HollowBackend, HollowMachine } from './backends/hollow/hollow-backend.js'
import { createMemoryMachineRecordStore } from './machines/machine-record-store.js'
import { createNoNetwork } from './network/node-network.js'
import type { MachineFacts } from './node/machine-facts.js'
import { type NodeProgramOptions, runNode } from './node-program.js'
import type { WorkloadFiles } from './tasks/files/workload-files.js'
import { createMemoryLedgerStore } from './tasks/ledger-store.js'
import { AttemptUsers } from './users/attempt-users.js'

export interface HollowNodesOptions {
  readonly count: number
  /** Node n is called PREFIX-n, from 0. */
  readonly prefix: string
  readonly client: Client
  readonly config: ClientConfig
  readonly events: EventRecorder
  readonly log: Logger
  readonly facts: MachineFacts
  readonly dataFolder: string
  readonly settings: NodeProgramOptions['settings']
}

/** Nodes that only say that they run what is bound to them, all in this process: for tests of scale. Resolves when the signal aborts. */
export async function runHollowNodes(options: HollowNodesOptions, signal: AbortSignal): Promise<void> {
  const { count, prefix, client, config, events, log, settings, dataFolder } = options
  const facts: MachineFacts = { ...options.facts, cpus: 32, memoryBytes: 128 * 1024 ** 3, gpus: [], displayDevices: [], numa: [] }
  await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const nodeName = `${prefix}-${index}`
      const machine = new HollowMachine()
      const ledgers = createMemoryLedgerStore()
      const backends = (['docker', 'process'] as const).map((name) => new HollowBackend(machine, name))
      const parts = {
        nodeName,
        client,
        clock: systemClock,
        log: log.child({ node: nodeName }),
        events,
        backends: new Map(backends.map((backend) => [backend.name, backend])),
        machines: new Map(),
        machineRecords: createMemoryMachineRecordStore(),
        transfers: dataFolder,
        files: hollowFiles((uid) => ledgers.delete(uid)),
        ledgers,
        // It runs nothing that could be reached.
        network: { ...createNoNetwork(), condition: async () => undefined },
        gpus: facts.gpus,
        users: new AttemptUsers(),
      }
      const labels = { 'millrace.dev/hollow': 'true' }
      return runNode(
        {
          parts,
          config,
          identity: nodeName,
          facts: { ...facts, hostname: nodeName },
          settings,
          labels,
          dataFolder,
          searchPath: '',
          endProcesses: () => false,
          streams: false,
        },
        signal,
      )
    }),
  )
}

/** A hollow node has no disk. */
function hollowFiles(forget: (uid: string) => void): WorkloadFiles {
  return {
    prepareVolumes: async () => {},
    mounts: async () => [],
    home: () => '/',
    links: () => '/',
    logs: () => '/',
    hasVolumes: async () => false,
    hasRecords: async () => false,
    removeVolumes: async () => {},
    removeLogs: async () => {},
    removeAll: async (uid) => forget(uid),
  }
}
