/**
 * Which devices a machine gets with its GPUs, and what has to be written for it. The IOMMU keeps apart groups of devices, not devices: all
 * of a group go to vfio-pci, but bridges, which stay with the kernel. Pure; apply-vfio.ts does it.
 */

/** A device as sysfs shows it. */
export interface PciDevice {
  /** As 0000:01:00.0. */
  readonly address: string
  /** As 0x030000. */
  readonly classCode: string
  readonly iommuGroup?: number
  readonly driver?: string
}

export type VfioStep =
  | { readonly type: 'unbind'; readonly address: string; readonly driver: string }
  /** What may drive it; empty: anything again. */
  | { readonly type: 'override'; readonly address: string; readonly driver: string }
  | { readonly type: 'probe'; readonly address: string }

export interface VfioPlan {
  /** What the machine gets: the GPUs, and what is on the same card, as its sound. */
  readonly devices: readonly string[]
  /** All that vfio-pci drives meanwhile. */
  readonly taken: readonly string[]
  readonly steps: readonly VfioStep[]
}

const vfio = 'vfio-pci'

/** `refused`: why it cannot be, in words. */
export function planVfio(gpus: readonly string[], devices: readonly PciDevice[]): VfioPlan | { readonly refused: string } {
  const taken = new Map<string, PciDevice>()
  const given: string[] = []
  for (const gpu of gpus) {
    const device = devices.find(({ address }) => address === gpu)
    if (!device) return { refused: `the node has no PCI device ${gpu}` }
    if (!isDisplay(device)) return { refused: `the PCI device ${gpu} is no GPU` }
    if (device.iommuGroup === undefined)
      return { refused: `the GPU ${gpu} cannot be given to a machine: the IOMMU of the node is off; see intel_iommu=on or amd_iommu=on` }
    for (const member of devices.filter(({ iommuGroup }) => iommuGroup === device.iommuGroup)) {
      if (isBridge(member)) continue
      const isOnCard = cardOf(member) === cardOf(device)
      if (!isOnCard && isDisplay(member) && !gpus.includes(member.address))
        return { refused: `the GPU ${gpu} shares its IOMMU group with the GPU ${member.address}; ask for both` }
      taken.set(member.address, member)
      if (isOnCard && !given.includes(member.address)) given.push(member.address)
    }
  }
  return { devices: given, taken: [...taken.keys()], steps: [...taken.values()].flatMap(stepsToTake) }
}

/** Gives devices back to their own drivers. */
export function planRelease(addresses: readonly string[], devices: readonly PciDevice[]): VfioStep[] {
  return addresses.flatMap((address) => {
    const device = devices.find((each) => each.address === address)
    if (!device) return []
    return [
      { type: 'override', address, driver: '' },
      ...(device.driver === vfio ? ([{ type: 'unbind', address, driver: vfio }] as const) : []),
      { type: 'probe', address },
    ]
  })
}

function stepsToTake({ address, driver }: PciDevice): VfioStep[] {
  if (driver === vfio) return []
  return [
    { type: 'override', address, driver: vfio },
    ...(driver === undefined ? [] : ([{ type: 'unbind', address, driver }] as const)),
    { type: 'probe', address },
  ]
}

const isDisplay = ({ classCode }: PciDevice) => classCode.startsWith('0x03')
const isBridge = ({ classCode }: PciDevice) => classCode.startsWith('0x06')
const cardOf = ({ address }: PciDevice) => address.slice(0, address.lastIndexOf('.'))
