import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { NodeStatus } from '../../lib/api/kinds/node.js'

type Gpu = NonNullable<NodeStatus['gpus']>[number]

const tool = 'nvidia-smi'
const toolTimeoutMs = 20_000
const columns = 'index,uuid,name,memory.total,pci.bus_id'
const driverFolder = '/proc/driver/nvidia/gpus'

/** The machine's GPUs, by what nvidia-smi says, or where that is not installed by what the driver shows. Indexes are those of the PCI bus. */
export async function readGpus(searchPath: string): Promise<Gpu[]> {
  return (await askTool(searchPath)) ?? (await readDriverGpus(driverFolder))
}

/** Undefined where it is not installed, or cannot reach a driver. */
async function askTool(searchPath: string): Promise<Gpu[] | undefined> {
  try {
    const options = { env: { PATH: searchPath }, timeout: toolTimeoutMs }
    const { stdout } = await promisify(execFile)(tool, [`--query-gpu=${columns}`, '--format=csv,noheader,nounits'], options)
    const gpus = stdout.split('\n').flatMap((line) => parseToolLine(line) ?? [])
    return await Promise.all(gpus.map(async ({ slot, ...gpu }) => ({ ...gpu, ...(await numaNodeOf(slot)) })))
  } catch {
    return undefined
  }
}

/** `0, GPU-5ae3…, NVIDIA A100, 40960, 00000000:01:00.0`; undefined for any other line. */
export function parseToolLine(line: string): (Gpu & { slot: string }) | undefined {
  const [index = '', uuid = '', model = '', mebibytes = '', slot = ''] = line.split(',').map((field) => field.trim())
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
export async function readDriverGpus(folder: string): Promise<Gpu[]> {
  const slots = existsSync(folder) ? (await readdir(folder)).sort() : []
  return Promise.all(
    slots.map(async (slot, index) => {
      const text = await textOf(`${folder}/${slot}/information`)
      const field = (name: string) => new RegExp(`^${name}:\\s*(.*\\S)`, 'm').exec(text)?.[1]
      const model = field('Model')
      const uuid = field('GPU UUID')
      return { index, ...(model ? { model } : {}), ...(uuid ? { uuid } : {}), ...(await numaNodeOf(slot)) }
    }),
  )
}

async function numaNodeOf(slot: string): Promise<Pick<Gpu, 'numaNode'>> {
  const text = await textOf(`/sys/bus/pci/devices/${slot.toLowerCase()}/numa_node`)
  return /^\d+$/.test(text) ? { numaNode: Number(text) } : {}
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return ''
  }
}
