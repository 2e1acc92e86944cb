/**
 * The disk images of a node. An image is a file of the image directory, a file by its address, or one that is fetched by
 * HTTPS and compared. Before its first use it becomes a base: its files, under one name made of what they are, in a
 * folder where nothing changes them. Disks of machines lie over bases, so that a file which is renewed in the image
 * directory is another base, and pulls no ground from under a machine.
 *
 *     DIRECTORY/cache/                    what was fetched, whole and compared; see image-cache.ts
 *     DIRECTORY/bases/KEY/{disk,base.json,vmlinuz,initrd,cmdline}
 */
import { createHash } from 'node:crypto'
import { constants, renameSync } from 'node:fs'
import { copyFile, link, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Vps } from '../../../../lib/api/kinds/vps.js'
import { makeFolder } from '../../../files/make-folder.js'
import { putInPlace, syncPath, writeWhole } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import { type DiskFormat, readDiskFormat } from './disk-format.js'
import type { ImageRules } from './fetch-image.js'
import { type ReadSpace, requireSpace } from './free-space.js'
import { ImageCache } from './image-cache.js'
import { requireChecksum } from './image-checksum.js'

export interface ImageStoreOptions {
  /** Where the node's owner puts images. */
  readonly imageDirectory: string
  /** The store's own. */
  readonly directory: string
  /** Certificates that are trusted for https://, as PEM; absent: those of the machine. */
  readonly ca?: string | undefined
  /** What may be fetched. */
  readonly rules: ImageRules
  readonly readSpace?: ReadSpace
}

/** What disks of machines lie over. */
export interface BaseImage extends DiskFormat {
  readonly key: string
  readonly disk: string
  /** Beside the disk where the image is booted directly. */
  readonly directBoot?: { readonly kernel: string; readonly initrd?: string; readonly commandLine: string }
}

/** base.json. */
interface BaseRecord extends DiskFormat {
  readonly image: string
  /** When its disk was last written to. */
  readonly writtenMs: number
  readonly commandLine?: string
  readonly initrd?: boolean
}

type ImageSpec = Pick<Vps['spec'], 'image' | 'imageChecksum'>

const goneSuffix = '.gone'
const suffixes = ['', '.qcow2', '.img', '.raw']
const imageFile = /\.(qcow2|img|raw)$/
const besides = ['vmlinuz', 'initrd', 'cmdline'] as const

export class ImageStore {
  /** What is being prepared, by image and checksum: whoever asks meanwhile waits for the same. */
  private readonly underWay = new Map<string, Promise<BaseImage>>()

  /** Counts calls of prepare. */
  private prepared = 0

  private readonly cache: ImageCache
  private readonly cacheDirectory: string

  constructor(private readonly options: ImageStoreOptions) {
    this.cacheDirectory = path.join(options.directory, 'cache')
    this.cache = new ImageCache({ ...options, directory: this.cacheDirectory, isUsed: (file, checksum) => this.isBase(file, checksum) })
  }

  /** The images in the image directory. */
  async list(): Promise<{ readonly names: readonly string[]; readonly sizeBytes: number }[]> {
    const names = (await readdir(this.options.imageDirectory).catch(() => [])).filter((name) => imageFile.test(name)).sort()
    const sizes = await Promise.all(names.map((name) => stat(path.join(this.options.imageDirectory, name)).catch(() => undefined)))
    return names.flatMap((name, index) => (sizes[index] ? [{ names: [name.replace(imageFile, '')], sizeBytes: sizes[index].size }] : []))
  }

  /**
   * Fetches, compares and looks at the image, once for all that ask at a time. `claim` writes down who uses
   * the base, while nothing removes it. Rejects with BackendError.
   */
  async prepare(
    spec: ImageSpec,
    onProgress: (text: string) => void,
    signal: AbortSignal,
    claim: (key: string) => Promise<void> = async () => {},
  ): Promise<BaseImage> {
    const key = `${spec.image}\n${spec.imageChecksum ?? ''}`
    for (;;) {
      signal.throwIfAborted()
      const present = this.underWay.get(key)
      if (!present) break
      // Whoever began it may have given up; then it is this one's turn.
      await Promise.race([present.catch(() => {}), aborted(signal)])
    }
    this.prepared++
    const work = this.makeBase(spec, onProgress, signal).then(async (base) => {
      await claim(base.key)
      return base
    })
    this.underWay.set(key, work)
    try {
      return await work
    } finally {
      this.underWay.delete(key)
    }
  }

  /**
   * Removes the bases that nobody uses, unless an image was prepared meanwhile: then the next removal does. Of what was fetched goes what
   * is old, and what a nearly full disk has no room for.
   */
  async removeUnused(readUsed: () => Promise<ReadonlySet<string>>): Promise<void> {
    await this.removeUnusedBases(readUsed)
    await this.cache.collect()
  }

  private async removeUnusedBases(readUsed: () => Promise<ReadonlySet<string>>): Promise<void> {
    const before = this.prepared
    const used = await readUsed()
    const unused = (await readdir(this.bases()).catch(() => [])).filter((key) => !used.has(key))
    if (this.underWay.size > 0 || this.prepared !== before) return
    // Nobody can ask for one between the question above and these lines.
    const gone = unused.filter((key) => !key.endsWith(goneSuffix))
    for (const key of gone) renameSync(this.bases(key), this.bases(`${key}${goneSuffix}`))
    for (const name of [...unused.filter((key) => key.endsWith(goneSuffix)), ...gone.map((key) => `${key}${goneSuffix}`)])
      await rm(this.bases(name), { recursive: true, force: true })
  }

  /** A base that was prepared before; undefined when it is gone. Rejects with BackendError when somebody wrote into its file since. */
  async base(key: string): Promise<BaseImage | undefined> {
    const text = await readFile(this.bases(key, 'base.json'), 'utf8').catch(() => undefined)
    if (text === undefined) return undefined
    const { format, virtualBytes, commandLine, initrd, writtenMs, image } = JSON.parse(text) as BaseRecord
    if ((await stat(this.bases(key, 'disk'))).mtimeMs !== writtenMs)
      throw new BackendError(
        'StartFailed',
        `the file of the image ${image} was changed after machines were made of it, and their disks lie over what it was; put it back, or restore a snapshot`,
        true,
      )
    const directBoot =
      commandLine === undefined
        ? {}
        : {
            directBoot: {
              kernel: this.bases(key, 'vmlinuz'),
              commandLine,
              ...(initrd ? { initrd: this.bases(key, 'initrd') } : {}),
            },
          }
    return { key, disk: this.bases(key, 'disk'), format, virtualBytes, ...directBoot }
  }

  private bases(...parts: string[]): string {
    return path.join(this.options.directory, 'bases', ...parts)
  }

  private async makeBase(spec: ImageSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<BaseImage> {
    const source = await this.locate(spec, onProgress, signal)
    const stats = await statOf(source, spec.image)
    if (!stats.isFile) throw new BackendError('ImageNotFound', `the image ${spec.image} is no file`, false)
    const key = baseKey(source, stats, spec.imageChecksum)
    const present = await this.base(key)
    if (present) return present
    const folder = `${this.bases(key)}.new`
    await rm(folder, { recursive: true, force: true })
    await makeFolder(folder)
    await takeFile(source, path.join(folder, 'disk'))
    // Compared and looked at where nobody changes it any more.
    const disk = path.join(folder, 'disk')
    if (spec.imageChecksum !== undefined && path.dirname(source) !== this.cacheDirectory) {
      onProgress('comparing the checksum')
      await requireChecksum(disk, spec.imageChecksum, spec.image, signal)
    }
    const format = await readDiskFormat(disk, spec.image)
    const direct = await this.takeKernel(source, folder)
    const record: BaseRecord = { image: spec.image, writtenMs: (await stat(disk)).mtimeMs, ...format, ...direct }
    await writeWhole(path.join(folder, 'base.json'), JSON.stringify(record), 0o600)
    await putInPlace(folder, this.bases(key))
    const made = await this.base(key)
    if (!made) throw new BackendError('CreateFailed', `the image ${spec.image} was removed while it was prepared`, true)
    return made
  }

  /** The file of an image, fetched when it has to be. */
  private async locate({ image, imageChecksum }: ImageSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<string> {
    if (image.startsWith('file://')) return fileURLToPath(image)
    if (image.startsWith('https://')) {
      if (imageChecksum === undefined) throw new BackendError('InvalidImageName', `the image ${image} needs spec.imageChecksum`, false)
      return this.cache.take(image, imageChecksum, onProgress, signal)
    }
    for (const suffix of suffixes) {
      const file = path.join(this.options.imageDirectory, `${image}${suffix}`)
      if (path.dirname(file) === path.resolve(this.options.imageDirectory) && (await stat(file).catch(() => undefined))?.isFile())
        return file
    }
    const there = (await this.list()).flatMap(({ names }) => names)
    const words = there.length > 0 ? `there are ${there.join(', ')}` : 'it holds none'
    throw new BackendError(
      'ImageNotFound',
      `the node has no image ${image} in ${this.options.imageDirectory}; ${words}; put ${image.replace(imageFile, '')}.qcow2 there, and it is taken by itself`,
      true,
    )
  }

  /** Whether the base of a file is there: of what was fetched, its blocks or its name. */
  private async isBase(file: string, checksum: string): Promise<boolean> {
    const stats = await statOf(file, file).catch(() => undefined)
    return stats !== undefined && (await stat(this.bases(baseKey(file, stats, checksum))).catch(() => undefined)) !== undefined
  }

  /** What stands beside NAME.qcow2 for direct boot. */
  private async takeKernel(source: string, folder: string): Promise<{ commandLine?: string; initrd?: boolean }> {
    const beside = (suffix: string) => `${source.replace(imageFile, '')}.${suffix}`
    const there = await Promise.all(besides.map((suffix) => stat(beside(suffix)).catch(() => undefined)))
    const [kernel, initrd, commandLine] = there
    if (!kernel?.isFile()) return {}
    await takeFile(beside('vmlinuz'), path.join(folder, 'vmlinuz'))
    if (initrd) await takeFile(beside('initrd'), path.join(folder, 'initrd'))
    const text = commandLine ? (await readFile(beside('cmdline'), 'utf8')).trim() : 'root=/dev/vda1 rw console=ttyS0'
    return { commandLine: text, initrd: initrd !== undefined }
  }
}

/** The name of a base: what its file is. */
function baseKey(
  source: string,
  { ino, size, mtimeNs }: { ino: bigint; size: bigint; mtimeNs: bigint },
  checksum: string | undefined,
): string {
  const words = [source, ino, size, mtimeNs, checksum ?? ''].join('\n')
  return createHash('sha256').update(words).digest('hex').slice(0, 32)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function statOf(file: string, image: string) {
  try {
    const { ino, size, mtimeNs, ...stats } = await stat(file, { bigint: true })
    return { ino, size, mtimeNs, isFile: (Number(stats.mode) & constants.S_IFMT) === constants.S_IFREG }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new BackendError('ImageNotFound', `the node has no file ${file} for the image ${image}`, true)
  }
}

/**
 * A copy that shares its blocks where the file system can, so that it costs nothing;
 * else a second name of the file where that can be; else a copy.
 */
async function takeFile(source: string, target: string): Promise<void> {
  try {
    return await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE)
  } catch {
    // no such file system
  }
  try {
    return await link(await realpath(source), target)
  } catch {
    // another file system
  }
  await requireSpace(path.dirname(target), (await stat(source)).size, `the image ${source}`)
  await copyFile(source, target)
  await syncPath(target)
}
