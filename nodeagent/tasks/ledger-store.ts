import { readdir } from 'node:fs/promises'
import type { AgentPaths } from '../files/agent-paths.js'
import { readJsonFile, writeJsonFile } from '../files/json-file.js'
import type { Ledger } from './ledger.js'

/** Ledgers as files, each replaced as a whole and on the disk before the step that it announces is done. */
export interface LedgerStore {
  read(uid: string): Promise<Ledger | undefined>
  write(uid: string, ledger: Ledger): Promise<void>
  /** Every workload that the agent holds files of. */
  uids(): Promise<string[]>
}

/** Ledgers of hollow nodes, which end with their agent. */
export function createMemoryLedgerStore(): LedgerStore & { delete(uid: string): void } {
  const ledgers = new Map<string, Ledger>()
  return {
    read: async (uid) => ledgers.get(uid),
    write: async (uid, ledger) => void ledgers.set(uid, ledger),
    uids: async () => [...ledgers.keys()],
    delete: (uid) => ledgers.delete(uid),
  }
}

export function createLedgerStore(paths: AgentPaths): LedgerStore {
  return {
    read: (uid) => readJsonFile<Ledger>(paths.ledger(uid)),
    write: (uid, ledger) => writeJsonFile(paths.ledger(uid), ledger),
    async uids() {
      const lists = await Promise.all([paths.workloads, paths.work, paths.secrets].map((folder) => readdir(folder).catch(() => [])))
      return [...new Set(lists.flat())].filter((name) => /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(name) && name !== 'secrets')
    },
  }
}
