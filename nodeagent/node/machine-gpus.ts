import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import { askNvidia } from './ask-nvidia.js'
import type { MachineRoots } from './machine-roots.js'
import { readPciPlace } from './pci-devices.js'
import { textOf } from './text-of.js'

type Gpu = NonNullable<NodeStatus['gpus']>[number]

const columns = ['index', 'uuid', 'name', 'memory.total', 'pci.bus_id']

/**
 * The machine's GPUs that Tasks can be given, by what nvidia-smi says, or where that is not
 * installed by what the driver shows. Indexes are those of the PCI bus.
 */
export async function readGpus(searchPath: string, roots: MachineRoots): Promise<Gpu[]> {
  const rows = await askNvidia(columns, searchPath)
  if (!rows) return readDriverGpus(roots)
  const gpus = rows.flatMap((row) => parseGpu(row) ?? [])
  return await Promise.all(gpus.map(async ({ slot, ...gpu }) => ({ ...gpu, ...(await readPciPlace(slot, roots)) })))
}

/** `0, GPU-5ae3…, NVIDIA A100, 40960, 00000000:01:00.0`; undefined for any other row. */
export function parseGpu(row: readonly string[]): (Gpu & { slot: string }) | undefined {
  const [index = '', uuid = '', model = '', mebibytes = '', slot = ''] = row
  if (!/^\d+$/.test(index) || !uuid.startsWith('GPU-')) return undefined
  return {
    index: Number(index),
    uuid,
    ...(model ? { model } : {}),
    ...(/^\d+$/.test(mebibytes) ? { memory: `${mebibytes}Mi` } : {}),
    // The kernel writes four digits of the domain.
    slot: slot.slice(-'0000:00:00.0'.length),
  }
}

/** GPUs as the NVIDIA driver shows them; none without it. */
export async function readDriverGpus(roots: MachineRoots): Promise<Gpu[]> {
  const folder = `${roots.proc}/driver/nvidia/gpus`
  const slots = existsSync(folder) ? (await readdir(folder)).sort() : []
  return Promise.all(
    slots.map(async (slot, index) => {
      const text = await textOf(`${folder}/${slot}/information`)
      const field = (name: string) => new RegExp(`^${name}:\\s*(.*\\S)`, 'm').exec(text)?.[1]
      const model = field('Model')
      const uuid = field('GPU UUID')
      return { index, ...(model ? { model } : {}), ...(uuid ? { uuid } : {}), ...(await readPciPlace(slot, roots)) }
    }),
  )
}
