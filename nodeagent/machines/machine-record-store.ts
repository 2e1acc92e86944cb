import { readdir, rm } from 'node:fs/promises'
import type { AgentPaths } from '../files/agent-paths.js'
import { readJsonFile, writeJsonFile } from '../files/json-file.js'
import type { MachineRecord } from './machine-record.js'

/** The agent's records of machines as files, each on the disk before the step that it announces is done. */
export interface MachineRecordStore {
  read(uid: string): Promise<MachineRecord | undefined>
  write(uid: string, record: MachineRecord): Promise<void>
  remove(uid: string): Promise<void>
  /** Every machine that there is a record of. */
  uids(): Promise<string[]>
}

export function createMachineRecordStore(paths: AgentPaths): MachineRecordStore {
  return {
    read: (uid) => readJsonFile<MachineRecord>(paths.machineRecord(uid)),
    write: (uid, record) => writeJsonFile(paths.machineRecord(uid), record),
    async remove(uid) {
      for (const ending of ['.new', '']) await rm(`${paths.machineRecord(uid)}${ending}`, { force: true })
    },
    async uids() {
      const names = await readdir(paths.machineRecords).catch(() => [])
      return names.flatMap((name) => /^([A-Za-z0-9][A-Za-z0-9-]{0,63})\.json$/.exec(name)?.[1] ?? [])
    },
  }
}

/** Records of hollow nodes, which end with their agent. */
export function createMemoryMachineRecordStore(): MachineRecordStore {
  const records = new Map<string, MachineRecord>()
  return {
    read: async (uid) => records.get(uid),
    write: async (uid, record) => void records.set(uid, record),
    remove: async (uid) => void records.delete(uid),
    uids: async () => [...records.keys()],
  }
}
