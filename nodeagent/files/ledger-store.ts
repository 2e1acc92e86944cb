import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import type { Ledger } from '../plan/ledger.js'
import type { AgentPaths } from './agent-paths.js'

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
    async read(uid) {
      try {
        return JSON.parse(await readFile(paths.ledger(uid), 'utf8')) as Ledger
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async write(uid, ledger) {
      const file = paths.ledger(uid)
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      const handle = await open(`${file}.new`, 'w', 0o600)
      try {
        await handle.writeFile(JSON.stringify(ledger))
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(`${file}.new`, file)
      await syncFolder(path.dirname(file))
    },
    async uids() {
      const lists = await Promise.all([paths.workloads, paths.work, paths.secrets].map((folder) => readdir(folder).catch(() => [])))
      return [...new Set(lists.flat())].filter((name) => /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(name) && name !== 'secrets')
    },
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
