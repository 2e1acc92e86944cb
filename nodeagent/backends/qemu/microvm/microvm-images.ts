/**
 * The images of microVMs: NAME.vmlinuz and NAME.initrd in the node's image directory, and optionally NAME.cmdline. The kernel unpacks
 * several archives one behind the other, so init.sh is put behind the image's own: once for an image, in `bootDirectory`.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { appendFile, copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../../../files/make-folder.js'
import { putInPlace } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import { findScript } from '../../find-script.js'
import { packCpio } from './cpio.js'

export interface MicrovmImage {
  readonly kernel: string
  /** The image's own and ours behind it. */
  readonly initrd: string
  /** Words for the kernel's command line. */
  readonly parameters: readonly string[]
}

export interface ImagePlaces {
  readonly imageDirectory: string
  readonly bootDirectory: string
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/
const directoryMode = 0o040755
const programMode = 0o100755

/** The image, ready to boot. Rejects with BackendError. */
export async function openMicrovmImage(name: string, { imageDirectory, bootDirectory }: ImagePlaces): Promise<MicrovmImage> {
  if (!namePattern.test(name))
    throw new BackendError('InvalidImageName', `"${name}" is not the name of an image: letters, digits, ".", "_" and "-"`, false)
  const part = (suffix: string) => path.join(imageDirectory, `${name}.${suffix}`)
  const missing: string[] = []
  for (const suffix of ['vmlinuz', 'initrd']) if (!(await isFile(part(suffix)))) missing.push(`${name}.${suffix}`)
  if (missing.length > 0) {
    const there = (await listMicrovmImages(imageDirectory)).map((image) => image.name)
    const others = there.length === 0 ? 'no image is there' : `there ${there.length === 1 ? 'is' : 'are'} ${there.join(', ')}`
    throw new BackendError('ImageNotFound', `${missing.join(' and ')} not found in the image directory ${imageDirectory}; ${others}`, true)
  }
  const cmdline = await readFile(part('cmdline'), 'utf8').catch(() => '')
  return {
    kernel: part('vmlinuz'),
    initrd: await withInit(part('initrd'), bootDirectory),
    parameters: cmdline.split(/\s+/).filter(Boolean),
  }
}

/** Images that are whole. */
export async function listMicrovmImages(imageDirectory: string): Promise<{ readonly name: string; readonly sizeBytes: number }[]> {
  const files = await readdir(imageDirectory).catch((): string[] => [])
  const names = files.filter((file) => file.endsWith('.vmlinuz')).map((file) => file.slice(0, -'.vmlinuz'.length))
  const whole = names.filter((name) => namePattern.test(name) && files.includes(`${name}.initrd`)).sort()
  return Promise.all(whole.map(async (name) => ({ name, sizeBytes: await sizeOf(imageDirectory, name) })))
}

async function sizeOf(imageDirectory: string, name: string): Promise<number> {
  const sizes = ['vmlinuz', 'initrd'].map(
    async (suffix) => (await stat(path.join(imageDirectory, `${name}.${suffix}`)).catch(() => undefined))?.size ?? 0,
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** The initrd with init.sh; named by what it was made of, so that a changed image is another one. */
async function withInit(initrd: string, bootDirectory: string): Promise<string> {
  const [init, { size, mtimeMs, ino }] = await Promise.all([readFile(findScript('qemu/microvm/init.sh')), stat(initrd)])
  const image = createHash('sha256').update(initrd).digest('hex').slice(0, 16)
  const version = createHash('sha256').update(`${size} ${mtimeMs} ${ino} `).update(init).digest('hex').slice(0, 16)
  const place = path.join(bootDirectory, `${image}-${version}.initrd`)
  if (await isFile(place)) return place
  await makeFolder(bootDirectory)
  const work = await mkdtemp(path.join(bootDirectory, 'packing-'))
  try {
    const packed = path.join(work, 'initrd')
    await copyFile(initrd, packed, constants.COPYFILE_FICLONE)
    const archive = packCpio([
      { name: '.millrace', mode: directoryMode, content: Buffer.alloc(0) },
      { name: '.millrace/init', mode: programMode, content: init },
    ])
    await appendFile(packed, Buffer.concat([Buffer.alloc(-size & 3), archive]))
    await putInPlace(packed, place)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  // Earlier ones of the image; a guest that boots has its own open.
  for (const file of await readdir(bootDirectory))
    if (file.startsWith(`${image}-`) && file !== path.basename(place)) await rm(path.join(bootDirectory, file), { force: true })
  return place
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() ?? false
}
