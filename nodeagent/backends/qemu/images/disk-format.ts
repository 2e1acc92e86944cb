/**
 * What a disk image is, from its own bytes. qemu-img is never asked to guess: a raw image may say in its first bytes that it is a qcow2
 * image over any file of the node, and a guess would open that. An image that needs another file is refused for the same reason.
 */
import { open } from 'node:fs/promises'
import { BackendError } from '../../backend.js'

export interface DiskFormat {
  readonly format: 'qcow2' | 'raw'
  /** What the guest sees. */
  readonly virtualBytes: number
}

const headerBytes = 104
const sectorBytes = 512
const largestDisk = 64 * 2 ** 40
const firstBytes = 1024

/** Beginnings of files that people take for disks. */
const others: readonly { readonly at: number; readonly bytes: string; readonly words: string }[] = [
  { at: 0, bytes: 'KDMV', words: 'a VMDK image' },
  { at: 0, bytes: 'vhdxfile', words: 'a VHDX image' },
  { at: 0, bytes: 'conectix', words: 'a VHD image' },
  { at: 0, bytes: 'QED\0', words: 'a QED image' },
  { at: 64, bytes: '\x7f\x10\xda\xbe', words: 'a VDI image' },
  { at: 0, bytes: '\x1f\x8b', words: 'compressed (gzip)' },
  { at: 0, bytes: '\xfd7zXZ\0', words: 'compressed (xz)' },
  { at: 0, bytes: '\x28\xb5\x2f\xfd', words: 'compressed (zstd)' },
  { at: 0, bytes: 'BZh', words: 'compressed (bzip2)' },
  { at: 0, bytes: 'PK\x03\x04', words: 'a zip archive' },
]

/** Reads what a file is. Rejects with BackendError for what is no disk that may be used, in words; `name` is how they call it. */
export async function readDiskFormat(file: string, name: string): Promise<DiskFormat> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(firstBytes)
    const { bytesRead } = await handle.read(buffer, 0, firstBytes, 0)
    return diskFormat(buffer.subarray(0, bytesRead), size, name)
  } finally {
    await handle.close()
  }
}

/** The same from the first bytes of a file. */
function diskFormat(start: Buffer, fileBytes: number, name: string): DiskFormat {
  const refuse = (words: string) => new BackendError('ImagePullFailed', `the image ${name} ${words}`, false)
  const magic = start.subarray(0, 4).toString('latin1')
  if (magic === 'QFI\xfb') return qcow2Format(start, refuse)
  const other = others.find(({ at, bytes }) => start.subarray(at, at + bytes.length).toString('latin1') === bytes)
  if (other) throw refuse(`is ${other.words}; it must be a qcow2 or raw disk: convert it with qemu-img convert -O qcow2`)
  if (/^\s*<(!doctype|html|\?xml)/i.test(start.toString('latin1'))) throw refuse('is a web page, no disk: is the address right?')
  if (fileBytes === 0) throw refuse('is empty')
  if (fileBytes % sectorBytes !== 0) throw refuse(`is neither a qcow2 image nor a raw disk: its ${fileBytes} bytes are not whole sectors`)
  return { format: 'raw', virtualBytes: fileBytes }
}

/**
 * qcow2, docs/interop/qcow2.txt: magic, version, backing file (offset, length), cluster bits, size, encryption …, incompatible features.
 */
function qcow2Format(header: Buffer, refuse: (words: string) => BackendError): DiskFormat {
  if (header.length < headerBytes - 32) throw refuse('is cut off')
  const version = header.readUInt32BE(4)
  if (version !== 2 && version !== 3) throw refuse(`is qcow2 of version ${version}; 2 and 3 are known`)
  if (header.readBigUInt64BE(8) !== 0n) throw refuse('needs a backing file; make it whole with qemu-img convert -O qcow2')
  if (header.readUInt32BE(32) !== 0) throw refuse('is encrypted')
  if (version === 3) {
    if (header.length < headerBytes) throw refuse('is cut off')
    const incompatible = header.readBigUInt64BE(72)
    if ((incompatible & 2n) !== 0n) throw refuse('is marked as corrupt; qemu-img check -r may mend it')
    if ((incompatible & 4n) !== 0n) throw refuse('keeps its data in another file; make it whole with qemu-img convert -O qcow2')
  }
  const virtualBytes = Number(header.readBigUInt64BE(24))
  if (virtualBytes === 0 || virtualBytes > largestDisk) throw refuse(`says that its disk has ${virtualBytes} bytes`)
  return { format: 'qcow2', virtualBytes }
}
