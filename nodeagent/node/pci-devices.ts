import { readdir, readlink } from 'node:fs/promises'
import path from 'node:path'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import type { MachineRoots } from './machine-roots.js'
import { textOf } from './text-of.js'

type DisplayDevice = NonNullable<NodeStatus['displayDevices']>[number]

/** Where a device is: on the PCI bus, at which NUMA node, and with which others it is kept apart from the rest of the machine. */
export interface PciPlace {
  readonly pciAddress?: string
  readonly numaNode?: number
  readonly iommuGroup?: number
}

/** Every display controller that the PCI bus has, whoever made it and whatever drives it. */
export async function readDisplayDevices(roots: MachineRoots): Promise<DisplayDevice[]> {
  const folder = devicesFolder(roots)
  const slots = (await readdir(folder).catch(() => [])).sort()
  const found = await Promise.all(
    slots.map(async (slot) => {
      const isDisplay = (await textOf(`${folder}/${slot}/class`)).startsWith('0x03')
      return isDisplay ? readDevice(slot, roots) : undefined
    }),
  )
  return found.filter((device) => device !== undefined)
}

async function readDevice(slot: string, roots: MachineRoots): Promise<DisplayDevice> {
  const folder = `${devicesFolder(roots)}/${slot}`
  const [vendor, device, driver, place] = await Promise.all([
    textOf(`${folder}/vendor`),
    textOf(`${folder}/device`),
    linkedName(`${folder}/driver`),
    readPciPlace(slot, roots),
  ])
  const { pciAddress = slot, ...rest } = place
  return { pciAddress, vendor, device, ...(driver === undefined ? {} : { driver }), ...rest }
}

/** Nothing for a device that sysfs does not show. */
export async function readPciPlace(slot: string, roots: MachineRoots): Promise<PciPlace> {
  const pciAddress = slot.toLowerCase()
  const folder = `${devicesFolder(roots)}/${pciAddress}`
  // -1: the machine has no NUMA nodes.
  const [numaNode, iommuGroup] = await Promise.all([textOf(`${folder}/numa_node`), linkedName(`${folder}/iommu_group`)])
  return {
    ...(slot === '' ? {} : { pciAddress }),
    ...(/^\d+$/.test(numaNode) ? { numaNode: Number(numaNode) } : {}),
    ...(/^\d+$/.test(iommuGroup ?? '') ? { iommuGroup: Number(iommuGroup) } : {}),
  }
}

const devicesFolder = ({ sys }: MachineRoots) => `${sys}/bus/pci/devices`

/** The name of what a link points at. */
async function linkedName(link: string): Promise<string | undefined> {
  try {
    return path.basename(await readlink(link))
  } catch {
    return undefined
  }
}
