/**
 * What was fetched by address, whole and compared, under its checksum. It stays for the next machine of the same image, and goes as
 * Kubernetes' images do: when the disk is nearly full, or has no room for another, those go that no machine lies over, the one first that
 * was last asked for longest ago; also what never came whole, and nobody fetches now.
 *
 *     DIRECTORY/CHECKSUM              a file, whole
 *     DIRECTORY/CHECKSUM.used         when it was last asked for: the time of this file
 *     DIRECTORY/CHECKSUM.URL.part     what has come of a file so far; URL is a digest of its address, so that no one spoils another's
 */
import { createHash } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { chmod, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { printBytes } from '../../../../lib/api/quantity.js'
import { makeFolder } from '../../../files/make-folder.js'
import { putInPlace } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import { fetchImage, type ImageRules } from './fetch-image.js'
import { noSpace, type ReadSpace, readSpace } from './free-space.js'
import { requireChecksum } from './image-checksum.js'
import { type CachedImage, planCollection } from './plan-collection.js'

export interface ImageCacheOptions {
  readonly directory: string
  readonly rules: ImageRules
  /** Certificates that are trusted for https://, as PEM; absent: those of the machine. */
  readonly ca?: string | undefined
  /** Whether something lies over a file that was fetched with this checksum. */
  readonly isUsed: (file: string, checksum: string) => Promise<boolean>
  readonly readSpace?: ReadSpace
}

/** What is begun and not gone on with goes after a day. */
const longestPartMs = 24 * 3_600_000
/** Of the disk stays free for others, whoever has images fetched: this share, and no more than so much. */
const reserveShare = 0.05
const largestReserve = 5 * 2 ** 30

const partSuffix = '.part'
const usedSuffix = '.used'

export class ImageCache {
  /** Parts that are being fetched. */
  private readonly underWay = new Set<string>()
  private readonly readSpace: ReadSpace

  constructor(private readonly options: ImageCacheOptions) {
    this.readSpace = options.readSpace ?? readSpace
  }

  /** The file with this checksum; fetched from the address where it is not there. Rejects with BackendError. */
  async take(url: string, checksum: string, onProgress: (text: string) => void, signal: AbortSignal): Promise<string> {
    const name = checksum.replace(':', '-')
    const file = this.at(name)
    if (!(await stat(file).catch(() => undefined))) {
      await makeFolder(this.options.directory)
      const part = `${name}.${createHash('sha256').update(url).digest('hex').slice(0, 16)}${partSuffix}`
      this.underWay.add(part)
      try {
        await this.fetch(url, checksum, this.at(part), onProgress, signal)
        await putInPlace(this.at(part), file)
      } finally {
        this.underWay.delete(part)
      }
    }
    await this.markUsed(name)
    return file
  }

  /** Removes what is old, and what stands in the way of `neededBytes`; see planCollection. */
  async collect(neededBytes = 0): Promise<void> {
    const nowMs = Date.now()
    const names = await readdir(this.options.directory).catch(() => [])
    const whole = names.filter((name) => !name.endsWith(partSuffix) && !name.endsWith(usedSuffix))
    for (const name of names.filter((each) => each.endsWith(usedSuffix) && !whole.includes(each.slice(0, -usedSuffix.length))))
      await rm(this.at(name), { force: true })
    const parts = await Promise.all(names.filter((name) => name.endsWith(partSuffix)).map((name) => this.lookAtPart(name, nowMs)))
    for (const { name } of parts.filter(({ isUsed, lastUsedMs }) => !isUsed && nowMs - lastUsedMs > longestPartMs)) this.remove(name)
    const images = [...parts, ...(await Promise.all(whole.map((name) => this.lookAt(name))))]
    if (images.length === 0) return
    for (const name of planCollection(images, await this.readSpace(this.options.directory), neededBytes, nowMs)) {
      this.remove(name)
      await rm(this.at(`${name}${usedSuffix}`), { force: true })
    }
  }

  private async lookAt(name: string): Promise<CachedImage> {
    const isUsed = await this.options.isUsed(this.at(name), name.replace('-', ':'))
    if (isUsed) await this.markUsed(name)
    const [file, used] = await Promise.all([name, `${name}${usedSuffix}`].map((each) => stat(this.at(each)).catch(() => undefined)))
    return { name, bytes: file?.size ?? 0, isUsed, lastUsedMs: used?.mtimeMs ?? 0 }
  }

  private async lookAtPart(name: string, nowMs: number): Promise<CachedImage> {
    const part = await stat(this.at(name)).catch(() => undefined)
    return { name, bytes: part?.size ?? 0, isUsed: this.underWay.has(name), lastUsedMs: part?.mtimeMs ?? nowMs }
  }

  private async fetch(url: string, checksum: string, part: string, onProgress: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { ca, rules } = this.options
    const requireRoom = (bytes: number) => this.requireRoom(bytes, url)
    await fetchImage({ url, file: part, ca, rules, onProgress, requireRoom }, signal)
    onProgress('comparing the checksum')
    try {
      await requireChecksum(part, checksum, url, signal)
    } catch (error) {
      if (error instanceof BackendError) await rm(part, { force: true })
      throw error
    }
    await chmod(part, 0o400)
  }

  private async requireRoom(bytes: number, url: string): Promise<void> {
    const { directory } = this.options
    const { totalBytes, freeBytes } = await this.readSpace(directory)
    const needed = bytes + Math.min(totalBytes * reserveShare, largestReserve)
    if (needed <= freeBytes) return
    await this.collect(needed)
    const { freeBytes: nowFree } = await this.readSpace(directory)
    const reserve = printBytes(needed - bytes)
    if (needed > nowFree)
      throw noSpace(
        `the image ${url} needs ${bytes > 0 ? printBytes(bytes) : 'more room'} on the node, where ${reserve} stay free`,
        directory,
        nowFree,
      )
  }

  /** At once: nobody begins to use it between the question whether it is used and this. */
  private remove(name: string): void {
    if (this.underWay.has(name)) return
    try {
      unlinkSync(this.at(name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  private markUsed(name: string): Promise<void> {
    return writeFile(this.at(`${name}${usedSuffix}`), '', { mode: 0o600 })
  }

  private at(name: string): string {
    return path.join(this.options.directory, name)
  }
}
