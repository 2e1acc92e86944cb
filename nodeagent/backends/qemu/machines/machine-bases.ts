import type { Logger } from '../../../../lib/base/log.js'
import { BackendError } from '../../backend.js'
import type { BaseImage, ImageStore } from '../images/image-store.js'
import type { MachineFiles } from './machine-files.js'
import type { SnapshotStore } from './snapshot-store.js'

/** Whether the disk of the node is nearly full is looked at this often, beside each time that an image is fetched or a machine goes. */
const collectEveryMs = 300_000

/** What the disks of machines and snapshots lie over. It stays on the node for as long as one of them does. */
export class MachineBases {
  private readonly collecting: NodeJS.Timeout

  constructor(
    private readonly images: ImageStore,
    private readonly files: MachineFiles,
    private readonly snapshots: SnapshotStore,
    private readonly log: Logger,
  ) {
    this.collecting = setInterval(() => void this.removeUnused(), collectEveryMs).unref()
  }

  /** Undefined for a disk that stands alone. Rejects with BackendError when the base has gone. */
  async of(key: string | undefined): Promise<BaseImage | undefined> {
    if (key === undefined) return undefined
    const base = await this.images.base(key)
    if (base) return base
    throw new BackendError(
      'StartFailed',
      'the image that the disk lies over is no longer on the node; restore a snapshot, or make the machine anew',
      false,
    )
  }

  /** What cannot be removed now, as a record that cannot be read may name it, is tried the next time; nobody has to wait for it. */
  async removeUnused(): Promise<void> {
    try {
      await this.images.removeUnused(() => this.readUsed())
    } catch (err) {
      this.log.warn({ err }, 'images of virtual machines that nobody uses could not be removed; it is tried again')
    }
  }

  private async readUsed(): Promise<Set<string>> {
    const records = await Promise.all((await this.files.uids()).map((uid) => this.files.read(uid)))
    const used = records.flatMap((record) => [record?.base, record?.kernelOf, record?.restoring])
    return new Set([...used, ...(await this.snapshots.bases())].filter((key) => key !== undefined))
  }

  close(): void {
    clearInterval(this.collecting)
  }
}
