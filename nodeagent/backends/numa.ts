import { readFile } from 'node:fs/promises'

/** The CPUs of a NUMA node, as 0-3,8-11; undefined when the machine has no such node. */
export async function readNumaCpus(node: number, folder = '/sys/devices/system/node'): Promise<string | undefined> {
  try {
    return (await readFile(`${folder}/node${node}/cpulist`, 'utf8')).trim()
  } catch {
    return undefined
  }
}
