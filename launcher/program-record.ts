import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ClusterDirectory } from './cluster-directory.js'
import { isRunning, type ProcessIdentity } from './process-identity.js'

/** What runs of a cluster on this machine: one file per program. */
export interface ProgramRecord extends ProcessIdentity {
  readonly program: string
  readonly args: readonly string[]
  readonly startedAt: string
  /** Which build it runs; absent in records of builds that did not say. */
  readonly build?: string
}

/** The program's process if it runs; a record of one that is gone is as good as none. */
export function readProgram(directory: ClusterDirectory, program: string): ProgramRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(fileOf(directory, program), 'utf8')) as ProgramRecord
    return isRunning(record) ? record : undefined
  } catch {
    return undefined
  }
}

export function writeProgram(directory: ClusterDirectory, record: ProgramRecord): void {
  const file = fileOf(directory, record.program)
  writeFileSync(`${file}.draft`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.draft`, file)
}

export function removeProgram(directory: ClusterDirectory, program: string): void {
  rmSync(fileOf(directory, program), { force: true })
}

function fileOf(directory: ClusterDirectory, program: string): string {
  return path.join(directory.runFolder, `${program}.json`)
}
