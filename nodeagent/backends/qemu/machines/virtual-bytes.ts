import { open } from 'node:fs/promises'

const sizeAt = 24

/** The size that a guest sees of a qcow2 image of ours. */
export async function readVirtualBytes(file: string): Promise<number> {
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(8)
    await handle.read(bytes, 0, bytes.length, sizeAt)
    return Number(bytes.readBigUInt64BE(0))
  } finally {
    await handle.close()
  }
}
