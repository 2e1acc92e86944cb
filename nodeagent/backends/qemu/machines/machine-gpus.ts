import { BackendError, type RunGpu } from '../../backend.js'
import { releaseGpus, takeGpus } from './apply-vfio.js'
import type { MachineFiles } from './machine-files.js'

export interface MachineGpusOptions {
  readonly files: MachineFiles
  /** Where sysfs is mounted. */
  readonly sys: string
  /** Where a GPU is on the PCI bus. */
  readonly pciAddressOf: (gpu: RunGpu) => string | undefined
}

/**
 * GPUs that machines have instead of the node. What was taken stands in the
 * machine's record before it is touched, so that it is given back.
 */
export class MachineGpus {
  constructor(private readonly options: MachineGpusOptions) {}

  /** Resolves with the PCI addresses of what the machine gets. Rejects with BackendError. */
  async take(uid: string, gpus: readonly RunGpu[]): Promise<readonly string[]> {
    if (gpus.length === 0) return []
    const { sys, files } = this.options
    const addresses = gpus.map((gpu) => this.addressOf(gpu))
    const remember = async (taken: readonly string[]) => {
      const record = await files.read(uid)
      if (record) await files.write(uid, { ...record, gpus: taken })
    }
    return (await takeGpus(sys, addresses, remember)).devices
  }

  /** Idempotent. */
  async giveBack(uid: string): Promise<void> {
    const record = await this.options.files.read(uid)
    if (!record?.gpus) return
    const { gpus, ...left } = record
    await releaseGpus(this.options.sys, gpus)
    await this.options.files.write(uid, left)
  }

  private addressOf(gpu: RunGpu): string {
    const address = this.options.pciAddressOf(gpu)
    if (address !== undefined) return address
    throw new BackendError('Unsupported', `the node does not know where its GPU ${gpu.index} is on the PCI bus`, false)
  }
}
