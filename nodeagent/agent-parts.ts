import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import type { EventRecorder } from '../lib/client/events/event-recorder.js'
import type { Backend } from './backends/backend.js'
import type { MachineBackend } from './backends/machine-backend.js'
import type { MachineRecordStore } from './machines/machine-record-store.js'
import type { NodeNetwork } from './network/node-network.js'
import type { MachineFacts } from './node/machine-facts.js'
import type { WorkloadFiles } from './tasks/files/workload-files.js'
import type { LedgerStore } from './tasks/ledger-store.js'
import type { AttemptUsers } from './users/attempt-users.js'

/** What the agent is made of, as every workload sees it. */
export interface AgentParts {
  readonly nodeName: string
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly backends: ReadonlyMap<string, Backend>
  /** What keeps machines, by name. */
  readonly machines: ReadonlyMap<string, MachineBackend>
  readonly machineRecords: MachineRecordStore
  /** The folder of snapshots on their way from other nodes. */
  readonly transfers: string
  readonly files: WorkloadFiles
  readonly ledgers: LedgerStore
  /** Where workloads get their addresses. */
  readonly network: NodeNetwork
  /** The machine's GPUs. */
  readonly gpus: MachineFacts['gpus']
  /** The users of attempts. */
  readonly users: AttemptUsers
}
