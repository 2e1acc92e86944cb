import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Task } from '../../../lib/api/kinds/task.js'
import type { RunId, RunMount } from '../../backends/backend.js'
import type { AgentPaths } from '../../files/agent-paths.js'
import type { ConfigReader } from './config-reader.js'
import { attemptFolder, hasVolumes, linksFolder, mountsOf, prepareVolumes, removeVolumes } from './volumes.js'

/** The attempt that files are made for. */
export interface AttemptFiles {
  readonly uid: string
  readonly attempt: number
  readonly spec: Task['spec']
  /** The user that the attempt runs as; undefined: the agent's own, or the backend keeps attempts apart. */
  readonly userId: number | undefined
  /** Whether the backend mounts volumes; otherwise they appear as links. */
  readonly hasMounts: boolean
}

/** What the agent keeps on the disk for workloads, but for their ledgers. */
export interface WorkloadFiles {
  prepareVolumes(attempt: AttemptFiles, config: ConfigReader): Promise<void>
  mounts(attempt: AttemptFiles): Promise<RunMount[]>
  home(uid: string, attempt: number): string
  /** The folder in which volumes appear under their names, for backends without mounts. */
  links(uid: string, attempt: number): string
  logs(id: RunId): string
  hasVolumes(uid: string): Promise<boolean>
  /** Whether anything but volumes is there: a ledger, logs, or what is left of a removal that was cut off. */
  hasRecords(uid: string): Promise<boolean>
  removeVolumes(uid: string): Promise<void>
  removeLogs(id: RunId): Promise<void>
  /** Everything: volumes, logs, the ledger. */
  removeAll(uid: string): Promise<void>
}

export function createWorkloadFiles(paths: AgentPaths, asRoot: boolean): WorkloadFiles {
  return {
    prepareVolumes: (attempt, config) => prepareVolumes({ ...attempt, paths, asRoot }, config),
    mounts: (attempt) => mountsOf({ ...attempt, paths, asRoot }),
    home: (uid, attempt) => path.join(attemptFolder(paths, uid, attempt), 'home'),
    links: (uid, attempt) => linksFolder(paths, uid, attempt),
    logs: (id) => paths.logs(id),
    hasVolumes: (uid) => hasVolumes(paths, uid),
    hasRecords: async (uid) => existsSync(paths.workload(uid)),
    removeVolumes: (uid) => removeVolumes(paths, uid),
    removeLogs: (id) => rm(paths.logs(id), { recursive: true, force: true }),
    async removeAll(uid) {
      await removeVolumes(paths, uid)
      await rm(paths.workload(uid), { recursive: true, force: true })
    },
  }
}
