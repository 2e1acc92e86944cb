/**
 * The names in an archive of images. An engine that loads an archive gives its images the names that stand in it,
 * and takes them from whatever had them: so the file of a snapshot from another node, which others may have taken
 * over, could become what everybody's containers are made of here.
 */
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Pack, Parser, type ReadEntry } from 'tar'
import { BackendError } from '../../backend.js'

/** Where names stand, in the formats that engines read. */
const naming = new Set(['manifest.json', 'index.json', 'repositories'])
const maxBytes = 1024 * 1024

/** What engines write into an archive. */
const plain = new Set(['File', 'OldFile', 'Directory', 'Link', 'SymbolicLink'])

/** Rejects with a BackendError when the file would give a name to an image, or holds what no engine writes. */
export async function requireNoNames(file: string, signal: AbortSignal): Promise<void> {
  let refusal: string | undefined
  const onReadEntry = (entry: ReadEntry) => {
    if (!plain.has(entry.type)) refusal = `its ${entry.path} is a ${entry.type}`
    // Engines take `x/../manifest.json` and `manifest.json/.` for what they lead to.
    if (!naming.has(path.posix.basename(path.posix.normalize(entry.path)))) return void entry.resume()
    if (entry.type !== 'File' || entry.size > maxBytes) {
      refusal = `its ${entry.path} is no plain file of a fair size`
      return void entry.resume()
    }
    const parts: Buffer[] = []
    entry.on('data', (bytes: Buffer) => parts.push(bytes))
    entry.on('end', () => {
      if (givesNames(Buffer.concat(parts).toString())) refusal = `its ${entry.path} gives a name to an image`
    })
  }
  const onIgnored = (entry: ReadEntry) => {
    refusal = `its ${entry.path} is of a kind that is not known`
  }
  await readArchive(createReadStream(file), onReadEntry, signal, onIgnored)
  if (refusal !== undefined) throw new BackendError('CreateFailed', `the file of the snapshot is refused: ${refusal}`, false)
}

/**
 * The archive, written anew from what is read here. Two readers may see two archives in one file, by a size that one takes from an extended
 * header and the other does not; so an engine is never given the file itself, but what was judged.
 */
export function rewritten(file: string, signal: AbortSignal): Readable {
  const source = createReadStream(file)
  const pack = new Pack()
  const onReadEntry = (entry: ReadEntry) => void pack.add(entry)
  readArchive(source, onReadEntry, signal).then(
    () => pack.end(),
    (error) => pack.emit('error', error),
  )
  const archive = new PassThrough().once('close', () => source.destroy())
  pack.on('error', (error) => archive.destroy(error as Error))
  pack.pipe(archive)
  return archive
}

async function readArchive(
  source: Readable,
  onReadEntry: (entry: ReadEntry) => void,
  signal: AbortSignal,
  onIgnored: (entry: ReadEntry) => void = () => {},
): Promise<void> {
  const parser = new Parser({ strict: true, onReadEntry })
  parser.on('ignoredEntry', onIgnored)
  await pipeline(source, parser as unknown as NodeJS.WritableStream, { signal })
}

/** Whether a manifest.json, an index.json or a file repositories names an image; of what cannot be read it is supposed. Pure. */
export function givesNames(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value.some((image) => fieldsOf(image, 'repotags').some((tags) => !isEmpty(tags)))
    const manifests = fieldsOf(value, 'manifests')
    if (manifests.length === 0) return !isEmpty(value)
    return manifests.some(
      (list) => !Array.isArray(list) || list.some((one) => fieldsOf(one, 'annotations').some((notes) => !isEmpty(notes))),
    )
  } catch {
    return true
  }
}

/** Engines make no difference between RepoTags and repotags. */
const fieldsOf = (value: unknown, name: string): unknown[] =>
  Object.entries(value as object).flatMap(([key, field]) => (key.toLowerCase() === name ? [field] : []))

const isEmpty = (value: unknown) => value === null || (typeof value === 'object' && Object.keys(value).length === 0)
