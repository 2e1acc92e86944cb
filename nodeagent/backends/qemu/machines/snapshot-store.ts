/**
 * Snapshots of machines' disks: files of their own, each over the base of its disk and over nothing else, so that they may go in any order
 * and outlive their machine. A snapshot is there when its record is, which is written last.
 *
 *     DIRECTORY/SNAPSHOT-UID/{disk.qcow2,snapshot.json}
 *     DIRECTORY/SNAPSHOT-UID/{whole.qcow2,whole.json}     for other nodes, made when first asked for
 */
import { copyFile, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../../../files/make-folder.js'
import { putInPlace, syncPath, writeWhole } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import type { ObservedSnapshot } from '../../machine-backend.js'
import { printRunKey } from '../../run-key.js'
import { digestOf } from '../images/image-checksum.js'
import type { BaseImage } from '../images/image-store.js'
import type { MachineDisks } from './machine-disks.js'

/** snapshot.json. */
export interface SnapshotRecord {
  readonly machineUid: string
  readonly takenAtMs: number
  /** The base that it lies over; absent where it stands alone. */
  readonly base?: string
}

export class SnapshotStore {
  constructor(
    private readonly directory: string,
    private readonly disks: MachineDisks,
  ) {}

  disk(uid: string): string {
    return path.join(this.folder(uid), 'disk.qcow2')
  }

  /** Undefined when there is none, or its making was cut off. */
  async read(uid: string): Promise<SnapshotRecord | undefined> {
    try {
      return JSON.parse(await readFile(path.join(this.folder(uid), 'snapshot.json'), 'utf8')) as SnapshotRecord
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async observe(uid: string): Promise<ObservedSnapshot | undefined> {
    const record = await this.read(uid)
    const stats = record && (await stat(this.disk(uid)).catch(() => undefined))
    return stats && { uid, machineUid: record.machineUid, sizeBytes: stats.blocks * 512, takenAtMs: record.takenAtMs }
  }

  async observeAll(): Promise<ObservedSnapshot[]> {
    const observed = await Promise.all((await this.uids()).map((uid) => this.observe(uid)))
    return observed.filter((snapshot) => snapshot !== undefined)
  }

  /** The bases that snapshots lie over. */
  async bases(): Promise<string[]> {
    const records = await Promise.all((await this.uids()).map((uid) => this.read(uid)))
    return records.flatMap((record) => record?.base ?? [])
  }

  /** Fills a new snapshot with `fill`, once; what a call that was cut off left is cleared first. */
  async make(uid: string, record: SnapshotRecord, fill: (disk: string) => Promise<void>): Promise<ObservedSnapshot> {
    const present = await this.observe(uid)
    if (present) return present
    await this.remove(uid)
    await makeFolder(this.folder(uid))
    try {
      await fill(this.disk(uid))
      await syncPath(this.disk(uid))
      await writeWhole(path.join(this.folder(uid), 'snapshot.json'), JSON.stringify(record), 0o600)
    } catch (error) {
      await this.remove(uid)
      throw error
    }
    const made = await this.observe(uid)
    if (!made) throw new BackendError('CreateFailed', 'the snapshot was removed while it was made', true)
    return made
  }

  /** Removes what a making left that was cut off in an earlier life of the agent: nobody may ask for that snapshot again. */
  async clear(): Promise<void> {
    for (const uid of await this.uids()) if (!(await this.read(uid).catch(() => true))) await this.remove(uid)
  }

  /** The record goes first: what is left of a removal that was cut off is no snapshot. */
  async remove(uid: string): Promise<void> {
    await rm(path.join(this.folder(uid), 'snapshot.json'), { force: true })
    await rm(this.folder(uid), { recursive: true, force: true })
  }

  /** A file that stands alone, and its digest; made at the first call. `base`: what the snapshot lies over. */
  async pack(
    uid: string,
    base: BaseImage | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly sizeBytes: number; readonly digest: string }> {
    if (!(await this.read(uid))) throw new BackendError('CreateFailed', 'there is no such snapshot on this node', false)
    const file = path.join(this.folder(uid), 'whole.qcow2')
    const digestFile = path.join(this.folder(uid), 'whole.json')
    const known = await readFile(digestFile, 'utf8').catch(() => undefined)
    if (known === undefined) {
      await this.disks.pack(this.disk(uid), file, base, signal)
      await writeWhole(digestFile, JSON.stringify({ digest: `sha256:${await digestOf(file, 'sha256', signal)}` }), 0o600)
    }
    const { digest } = JSON.parse(await readFile(digestFile, 'utf8')) as { digest: string }
    return { path: file, sizeBytes: (await stat(file)).size, digest }
  }

  /** Takes over a file of another node. */
  async take(file: string, uid: string, machineUid: string): Promise<void> {
    if (await this.read(uid)) return void (await rm(file, { force: true }))
    await this.disks.requireAlone(file, 'the copy of the snapshot')
    const takenAtMs = Math.floor((await stat(file)).mtimeMs)
    await this.make(uid, { machineUid, takenAtMs }, (disk) => moveFile(file, disk))
  }

  private async uids(): Promise<string[]> {
    return readdir(this.directory).catch(() => [])
  }

  private folder(uid: string): string {
    printRunKey({ uid, attempt: 0, run: 0 })
    return path.join(this.directory, uid)
  }
}

/** Also to another file system. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyFile(from, `${to}.new`)
    await putInPlace(`${to}.new`, to)
    await rm(from, { force: true })
  }
}
