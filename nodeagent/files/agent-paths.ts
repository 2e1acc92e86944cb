/**
 * Where the agent keeps files. Every path is made from uids and numbers, never from names that users choose;
 * volumes alone have their names as last part, which are DNS labels.
 *
 *     DATA/workloads/UID/ledger.json, DATA/workloads/UID/logs/ATTEMPT-RUN/     the agent's own; no task can reach them
 *     DATA/images/                                                             of virtual machines, unless --image-dir names another place
 *     DATA/runs/                                                               the process backend's records
 *     DATA/microvms/                                                           the qemu backend's records, and a folder for each run
 *     DATA/machine-records/UID.json                                            what the agent remembers of a Vps
 *     DATA/transfers/UID.part                                                  snapshots on their way from other nodes
 *     DATA/docker-snapshots/UID.tar                                            snapshots of containers, as other nodes fetch them
 *     WORK/UID/ATTEMPT/{home,volumes/NAME,mounts/NAME}                         what an attempt may see
 *     SECRETS/UID/ATTEMPT/NAME                                                 secret volumes, on a tmpfs where there is one
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import type { RunId } from '../backends/backend.js'
import { printRunKey } from '../backends/run-key.js'

export interface AgentPaths {
  readonly data: string
  readonly runs: string
  readonly microvms: string
  readonly images: string
  readonly workloads: string
  /** Snapshots of containers, as they are sent to other nodes. */
  readonly dockerSnapshots: string
  readonly machineRecords: string
  /** Snapshots on their way from other nodes. */
  readonly transfers: string
  readonly work: string
  readonly secrets: string
  /** Whether secrets lie on a tmpfs. */
  readonly secretsInMemory: boolean
  workload(uid: string): string
  ledger(uid: string): string
  machineRecord(uid: string): string
  logs(id: RunId): string
  /** The folders that belong to a workload's attempts. */
  workOf(uid: string): string
  secretsOf(uid: string): string
}

const sharedMemory = '/dev/shm'
const tmpfsMagic = 0x01021994

/** `work` undefined: beside the data without root; with root outside of it, since attempts have users of their own who may not enter it. */
export async function agentPaths(options: { data: string; work?: string | undefined; asRoot: boolean }): Promise<AgentPaths> {
  const data = realpathSync(options.data)
  const mark = createHash('sha256').update(data).digest('hex').slice(0, 12)
  const work = options.work ?? (options.asRoot ? `/var/lib/millrace/work-${mark}` : path.join(data, 'work'))
  const secretsInMemory = (await statfs(sharedMemory).catch(() => undefined))?.type === tmpfsMagic
  const secrets = secretsInMemory ? `${sharedMemory}/millrace-${mark}` : path.join(work, 'secrets')
  const workloads = path.join(data, 'workloads')
  const machineRecords = path.join(data, 'machine-records')
  const workload = (uid: string) => path.join(workloads, plainUid(uid))
  return {
    data,
    runs: path.join(data, 'runs'),
    microvms: path.join(data, 'microvms'),
    images: path.join(data, 'images'),
    workloads,
    dockerSnapshots: path.join(data, 'docker-snapshots'),
    machineRecords,
    transfers: path.join(data, 'transfers'),
    work,
    secrets,
    secretsInMemory,
    workload,
    ledger: (uid) => path.join(workload(uid), 'ledger.json'),
    machineRecord: (uid) => path.join(machineRecords, `${plainUid(uid)}.json`),
    logs: (id) => path.join(workload(id.uid), 'logs', `${id.attempt}-${id.run}`),
    workOf: (uid) => path.join(work, plainUid(uid)),
    secretsOf: (uid) => path.join(secrets, plainUid(uid)),
  }
}

/** The uid, once it is known to be no path. */
function plainUid(uid: string): string {
  printRunKey({ uid, attempt: 0, run: 0 })
  return uid
}
