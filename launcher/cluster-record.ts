import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { ClusterDirectory } from './cluster-directory.js'
import { LaunchError } from './launch-error.js'

/** What was decided when a cluster was made, so that the next `up` finds the same cluster. */
export interface ClusterRecord {
  /** The layout of the data directory. Raised when an older launcher could no longer use it. */
  readonly format: number
  /** The version of Millrace that last started it. */
  readonly version: string
  readonly port: number
  /** Where the gateway takes the connections of agents. Records of versions without a gateway have none. */
  readonly gatewayPort?: number
  /** Where people log in by SSH, at the gateway. */
  readonly sshPort?: number
  /** Where the gateway listens for people, Tunnels and agents, as in millrace-gateway --host; absent in records of before. */
  readonly gatewayHost?: string
  readonly backends: readonly string[]
  readonly hollowNodes: number
  /** As in millrace-nodeagent --network; absent in records of before. */
  readonly network?: string
  /** A file of further flags of the agent; empty where there is none, absent in records of before. */
  readonly agentConfig?: string
  readonly nodeName: string
  /** Whether a start ever went through. Until then there is nothing in it that a user made. */
  readonly complete: boolean
}

export const recordFormat = 1

/** Undefined when there is no cluster yet. Throws LaunchError for one that this version cannot use. */
export function readRecord(directory: ClusterDirectory): ClusterRecord | undefined {
  let text: string
  try {
    text = readFileSync(directory.recordFile, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw new LaunchError(
      `${directory.recordFile} cannot be read (${(error as NodeJS.ErrnoException).code}). Run as the user who made the cluster, or choose another --data-dir.`,
    )
  }
  let record: Partial<ClusterRecord>
  try {
    record = JSON.parse(text) as Partial<ClusterRecord>
  } catch {
    throw new LaunchError(
      `${directory.recordFile} is damaged. Restore it from a backup, or remove the cluster with: npm run down -- --data-dir ${directory.path} --purge`,
    )
  }
  if (record.format !== recordFormat)
    throw new LaunchError(
      `The cluster in ${directory.path} was made by Millrace ${record.version ?? '(unknown)'} (layout ${record.format ?? 'unknown'}), and this Millrace reads layout ${recordFormat}. ` +
        'Start it with that version, or choose another --data-dir.',
    )
  return record as ClusterRecord
}

/** A reader sees the old record or the new one. */
export function writeRecord(directory: ClusterDirectory, record: ClusterRecord): void {
  const draft = `${directory.recordFile}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, directory.recordFile)
}
