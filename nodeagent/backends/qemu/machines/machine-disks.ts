/**
 * Disks of virtual machines, all qcow2: over a base of the image store, or alone. A disk is made under another name, and has its own once
 * it is whole; what was cut off is made again. It grows, and never shrinks.
 *
 * One rule: which files a disk is made of is never taken from the disk, as it is written by the QEMU that runs it. Programs that may read
 * all of the node would follow the name of any file that stands there.
 */
import { open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { printBytes } from '../../../../lib/api/quantity.js'
import { diskIsFull, isFull } from '../../../files/full-disk.js'
import { putInPlace } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import { readDiskFormat } from '../images/disk-format.js'
import { requireSpace } from '../images/free-space.js'
import type { BaseImage } from '../images/image-store.js'
import { ProgramError, type RunProgram } from '../run-program.js'
import { readVirtualBytes } from './virtual-bytes.js'

/**
 * Images are made by strangers, and what their tables ask for is theirs to choose. 4 GiB of addresses, of which its
 * threads alone set aside one, are several times what qemu-img takes for an honest one; where it asks for more it ends
 * with an error. Positional words of a shell are never looked into.
 */
const bounded = 'ulimit -v 4194304 && export MALLOC_ARENA_MAX=4 && exec "$0" "$@"'

type Base = Pick<BaseImage, 'disk' | 'format'>

/** The files of a disk, as QEMU's programs are told of them. */
export type DiskChain = Readonly<Record<string, unknown>>

export class MachineDisks {
  constructor(private readonly run: RunProgram) {}

  /** A new disk that holds what the base does. */
  async overlay(file: string, base: Base, signal: AbortSignal): Promise<void> {
    await this.make(file, signal, (made) => ['create', '-q', '-f', 'qcow2', '-b', base.disk, '-F', base.format, made])
  }

  /** A disk over its base, or alone. Rejects with BackendError when it is no disk of ours any more. */
  async chain(file: string, base: Base | undefined): Promise<DiskChain> {
    if (await keepsDataElsewhere(file))
      throw new BackendError('StartFailed', 'the disk names another file as that of its data, as no disk of ours does', false)
    const backing = base ? { driver: base.format, 'read-only': true, file: { driver: 'file', filename: base.disk } } : null
    return { driver: 'qcow2', file: { driver: 'file', filename: file }, backing }
  }

  /** Copies a disk, of which no process makes use. With `base`, over which it lies, what that holds is not copied. */
  async copy(from: string, file: string, base: Base | undefined, signal: AbortSignal): Promise<void> {
    await requireSpace(path.dirname(file), (await stat(from)).size, 'the copy of the disk')
    const over = base ? ['-B', base.disk, '-F', base.format] : []
    const chain = printChain(await this.chain(from, base))
    await this.make(file, signal, (made) => ['convert', '-q', '-O', 'qcow2', ...over, chain, made])
  }

  /** Copies a disk, and the base that it lies over, into a file that stands alone, compressed. */
  async pack(from: string, file: string, base: Base | undefined, signal: AbortSignal): Promise<void> {
    const chain = printChain(await this.chain(from, base))
    await this.make(file, signal, (made) => ['convert', '-q', '-c', '-O', 'qcow2', chain, made])
  }

  /** An empty file over a base, or alone, for QEMU to fill. */
  async frame(file: string, virtualBytes: number, base: Base | undefined, signal: AbortSignal): Promise<void> {
    await rm(file, { force: true })
    const over = base ? ['-b', base.disk, '-F', base.format] : []
    await this.program(['create', '-q', '-f', 'qcow2', ...over, file, String(virtualBytes)], signal)
  }

  /** Grows a disk of which no process makes use; a smaller size changes nothing. */
  async grow(file: string, bytes: number, signal: AbortSignal): Promise<void> {
    if (bytes <= (await readVirtualBytes(file))) return
    await this.program(['resize', '-q', printChain(await this.chain(file, undefined)), String(bytes)], signal)
  }

  /** Refuses, in words, a file that cannot be a disk of ours; for what came from elsewhere. */
  async requireAlone(file: string, name: string): Promise<void> {
    const { format } = await readDiskFormat(file, name)
    if (format !== 'qcow2') throw new BackendError('CreateFailed', `${name} is no qcow2 image`, false)
  }

  private async make(file: string, signal: AbortSignal, args: (made: string) => readonly string[]): Promise<void> {
    const made = `${file}.new`
    await rm(made, { force: true })
    try {
      await this.program(args(made), signal)
    } catch (error) {
      await rm(made, { force: true })
      throw error
    }
    await putInPlace(made, file)
  }

  private async program(args: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.run('sh', ['-c', bounded, 'qemu-img', ...args], signal)
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error
      if (isFull(error)) throw new BackendError('CreateFailed', `a disk could not be made: ${diskIsFull}`, true, { cause: error })
      throw new BackendError('CreateFailed', `a disk could not be made: ${error.message}`, true, { cause: error })
    }
  }
}

const printChain = (chain: DiskChain) => `json:${JSON.stringify(chain)}`

const featuresAt = 72
const dataElsewhere = 4n

/** qcow2, docs/interop/qcow2.txt: the incompatible features. A file of version 2 has none. */
async function keepsDataElsewhere(file: string): Promise<boolean> {
  const handle = await open(file, 'r')
  try {
    const header = Buffer.alloc(featuresAt + 8)
    await handle.read(header, 0, header.length, 0)
    return header.readUInt32BE(4) > 2 && (header.readBigUInt64BE(featuresAt) & dataElsewhere) !== 0n
  } finally {
    await handle.close()
  }
}

/** Refuses a disk size below what the image needs. */
export function requireSize(diskBytes: number | undefined, base: BaseImage, image: string): void {
  if (diskBytes === undefined || diskBytes >= base.virtualBytes) return
  const needed = `the image ${image} needs ${printBytes(base.virtualBytes)}, and spec.diskSize is ${printBytes(diskBytes)}`
  throw new BackendError('CreateFailed', `${needed}; a disk does not shrink: ask for more, or leave it out`, false)
}
