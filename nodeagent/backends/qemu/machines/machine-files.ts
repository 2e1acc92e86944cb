/**
 * What lies on the node of a virtual machine. Each file is written whole or not at all; a machine whose disk is there was made, and a
 * folder without one is a making that was cut off. All of it is the agent's: QEMU has its files open before it becomes the machine's user.
 *
 *     DIRECTORY/UID/machine.json     the record
 *     DIRECTORY/UID/disk.qcow2       over a base of the image store
 *     DIRECTORY/UID/keys.json        see cloud-init/machine-keys.ts
 *     DIRECTORY/UID/seed.iso         made anew at each start
 *     DIRECTORY/UID/snapshot.qcow2   a copy of the disk that QEMU makes while the machine runs; the one file that is its user's
 *     DIRECTORY/UID/{qmp,console}.sock, console.log
 */
import { chmod, chown, readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../../../files/make-folder.js'
import { writeWhole } from '../../../files/write-whole.js'
import { printRunKey } from '../../run-key.js'

/** What is remembered of a machine beside its files. */
export interface MachineRecord {
  readonly namespace: string
  readonly name: string
  /** The base that its disk lies over; absent where the disk stands alone. */
  readonly base?: string
  /** The base whose kernel it is booted with, where its disk stands alone. */
  readonly kernelOf?: string
  /** The base of a restore that is under way. */
  readonly restoring?: string
  readonly restoredFrom?: { readonly name: string; readonly request?: string }
  /** What its last start gave it. */
  readonly cpuMillis?: number
  readonly memoryBytes?: number
  /** Absent with user-mode networking. */
  readonly address?: string
  /** GPUs that were taken from their drivers for it, as PCI addresses. */
  readonly gpus?: readonly string[]
  /** The user that its QEMU becomes, from its first start on; absent where the agent is not root. */
  readonly userId?: number
}

/** In the machine's folder, where QEMU was started: its user reaches no longer path. */
export const snapshotName = 'snapshot.qcow2'

export class MachineFiles {
  constructor(private readonly directory: string) {}

  folder(uid: string): string {
    printRunKey({ uid, attempt: 0, run: 0 })
    return path.join(this.directory, uid)
  }

  disk(uid: string): string {
    return path.join(this.folder(uid), 'disk.qcow2')
  }

  seed(uid: string): string {
    return path.join(this.folder(uid), 'seed.iso')
  }

  snapshot(uid: string): string {
    return path.join(this.folder(uid), snapshotName)
  }

  consoleLog(uid: string): string {
    return path.join(this.folder(uid), 'console.log')
  }

  /** Every machine of which something is there. */
  async uids(): Promise<string[]> {
    return (await readdir(this.directory, { withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  }

  async hasDisk(uid: string): Promise<boolean> {
    return (await stat(this.disk(uid)).catch(() => undefined)) !== undefined
  }

  /** Undefined when there is none. Rejects, in words, when it cannot be read. */
  async read(uid: string): Promise<MachineRecord | undefined> {
    try {
      return JSON.parse(await readFile(path.join(this.folder(uid), 'machine.json'), 'utf8')) as MachineRecord
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new Error(`machine.json, the node's record of the machine, cannot be read: ${(cause as Error).message}`, { cause })
    }
  }

  async write(uid: string, record: MachineRecord): Promise<void> {
    await makeFolder(this.folder(uid))
    await writeWhole(path.join(this.folder(uid), 'machine.json'), JSON.stringify(record), 0o600)
  }

  /** Lets the machine's user pass through its folder, in which it finds itself; not list it, nor write in it. */
  async letPass(uid: string, userId: number): Promise<void> {
    await chown(this.folder(uid), 0, userId)
    await chmod(this.folder(uid), 0o710)
  }

  /** Whom `letPass` let pass, or 0: known without the record. */
  async passer(uid: string): Promise<number> {
    return (await stat(this.folder(uid))).gid
  }

  /** What the making of a snapshot has left that was cut off. The machine does not run. */
  async clearSnapshot(uid: string): Promise<void> {
    await rm(this.snapshot(uid), { force: true })
  }

  async remove(uid: string): Promise<void> {
    await rm(this.folder(uid), { recursive: true, force: true })
  }
}
