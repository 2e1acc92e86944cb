import { chmod, chown, constants, copyFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { BackendError } from '../../backend.js'
import type { DiskSource, MachineSpec, ObservedSnapshot } from '../../machine-backend.js'
import { requireSpace } from '../images/free-space.js'
import type { ImageStore } from '../images/image-store.js'
import { backupDisk } from './backup-disk.js'
import { flushGuest } from './flush-guest.js'
import type { MachineBases } from './machine-bases.js'
import type { MachineDisks } from './machine-disks.js'
import { type MachineFiles, type MachineRecord, snapshotName } from './machine-files.js'
import type { MachineLife } from './machine-life.js'
import type { SnapshotStore } from './snapshot-store.js'
import { readVirtualBytes } from './virtual-bytes.js'

interface MachineCopiesParts {
  readonly files: MachineFiles
  readonly disks: MachineDisks
  readonly images: ImageStore
  readonly bases: MachineBases
  readonly snapshots: SnapshotStore
  readonly life: MachineLife
}

/** Copies of machines' disks: into a snapshot, and back from one. Whoever calls keeps one machine to one call at a time. */
export class MachineCopies {
  constructor(private readonly parts: MachineCopiesParts) {}

  /** Of a machine that runs, as its disk is at this moment. */
  async take(uid: string, snapshotUid: string, signal: AbortSignal): Promise<ObservedSnapshot> {
    const { files, disks, bases, snapshots, life } = this.parts
    const record = await files.read(uid)
    const machine = await life.observe(uid)
    if (!record || !machine || machine.state === 'partial') throw new BackendError('CreateFailed', 'the machine has no disk yet', true)
    const taken = { machineUid: uid, takenAtMs: Date.now(), ...(record.base === undefined ? {} : { base: record.base }) }
    const isRunning = machine.state === 'running'
    if (isRunning && !(await snapshots.read(snapshotUid))) await flushGuest((until) => life.wayIn(uid, until), signal)
    return snapshots.make(snapshotUid, taken, async (disk) =>
      isRunning ? this.copyRunning(uid, record, disk, signal) : disks.copy(files.disk(uid), disk, await bases.of(record.base), signal),
    )
  }

  /**
   * Puts a snapshot in the place of a machine's disk. The disk takes its place before
   * the record says so: what was cut off in between is done again.
   */
  async putBack(
    { uid, spec }: MachineSpec,
    record: MachineRecord,
    { snapshotUid, name, request }: Extract<DiskSource, { type: 'snapshot' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { files, disks, images, bases, snapshots } = this.parts
    const snapshot = await snapshots.read(snapshotUid)
    if (!snapshot) throw new BackendError('CreateFailed', `the snapshot ${name} is not on this node`, true)
    const base = await bases.of(snapshot.base)
    // A disk that stands alone may still be booted by a kernel that lies beside its image.
    const kernel = base ?? (await images.prepare(spec, () => {}, signal).catch(() => undefined))
    const lying = base ? { base: base.key } : kernel?.directBoot ? { kernelOf: kernel.key } : {}
    const { base: baseBefore, kernelOf: kernelBefore, restoredFrom: _restored, ...kept } = record
    // Until the new disk is there, both bases are in use.
    const before = baseBefore ?? kernelBefore
    await files.write(uid, { ...record, ...(base ? { restoring: base.key } : {}) })
    await disks.copy(snapshots.disk(snapshotUid), files.disk(uid), base, signal)
    const restoredFrom = { name, ...(request === undefined ? {} : { request }) }
    await files.write(uid, { ...kept, ...lying, restoredFrom })
    if (before !== undefined && before !== (base ?? kernel)?.key) await bases.removeUnused()
  }

  /**
   * The machine's user writes into a file in the machine's folder. The snapshot is a copy of that: a QEMU in the wrong hands goes on
   * writing to what it has open, and would change a snapshot after it was looked at.
   */
  private async copyRunning(uid: string, record: MachineRecord, disk: string, signal: AbortSignal): Promise<void> {
    const { files, disks, bases, life } = this.parts
    const written = files.snapshot(uid)
    // Guests stop where the node has no room left for what they write: a copy that cannot be whole is not begun.
    await requireSpace(path.dirname(written), (await stat(files.disk(uid))).size, 'the snapshot')
    try {
      await disks.frame(written, await readVirtualBytes(files.disk(uid)), await bases.of(record.base), signal)
      await chmod(written, 0o600)
      if (record.userId !== undefined) await chown(written, record.userId, record.userId)
      await backupDisk((question, until) => life.ask(uid, question, until), snapshotName, signal)
      await requireSpace(path.dirname(disk), (await stat(written)).size, 'the snapshot')
      await copyFile(written, disk, constants.COPYFILE_FICLONE)
    } finally {
      await rm(written, { force: true })
    }
  }
}
