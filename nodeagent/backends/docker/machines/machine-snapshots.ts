/**
 * Copies of machines' disks as images of the engine. An image's name says all: `millrace-snapshot/AGENT/MACHINE:SNAPSHOT`, so that one that
 * came from another node, whose labels are that node's, is known as well as one that was taken here. One without a name is one whose taking
 * was cut off, or that a container still needs; it goes as soon as it can.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { readJsonFile, writeJsonFile } from '../../../files/json-file.js'
import { makeFolder } from '../../../files/make-folder.js'
import { putInPlace } from '../../../files/write-whole.js'
import { BackendError } from '../../backend.js'
import type { ObservedSnapshot } from '../../machine-backend.js'
import { dialEngine, type Engine, unlessMissing } from '../engine/engine.js'
import { explain, statusOf } from '../engine/engine-refusal.js'
import { snapshotImages } from '../engine/image-reference.js'
import { requireNoNames, rewritten } from './image-names.js'
import { machineName } from './machine-options.js'

/** Set on every image of a snapshot that was taken here: the agent's identity. */
const snapshotLabel = 'millrace.dev/snapshot-of'
/** A disk of many gigabytes takes its time. */
const copyDeadlineMs = 3_600_000

export interface ExportedSnapshot {
  readonly path: string
  readonly sizeBytes: number
  readonly digest: string
}

export class MachineSnapshots {
  private readonly prefix: string

  constructor(
    private readonly engine: Engine,
    private readonly options: { readonly agent: string; readonly directory: string },
  ) {
    // A path of an image's name takes lower-case letters and digits alone.
    this.prefix = `${snapshotImages}${createHash('sha256').update(options.agent).digest('hex').slice(0, 16)}/`
  }

  async observe(signal: AbortSignal): Promise<readonly ObservedSnapshot[]> {
    const named = (await this.named(signal)).map((snapshot) => this.describe(snapshot, signal))
    return (await Promise.all(named)).filter((snapshot) => snapshot !== undefined)
  }

  /** The name of the image; rejects with a BackendError when it is not on this node. */
  async imageOf(snapshotUid: string, signal: AbortSignal): Promise<string> {
    const found = (await this.named(signal)).find(({ uid }) => uid === snapshotUid)
    if (!found) throw new BackendError('ImageNotFound', `the snapshot ${snapshotUid} is not on this node`, true)
    return found.image
  }

  async take(machineUid: string, snapshotUid: string, signal: AbortSignal): Promise<ObservedSnapshot> {
    const image = `${this.prefix}${machineUid}:${snapshotUid}`
    if (!(await this.inspect(image, signal))) await this.commit(machineUid, snapshotUid, signal)
    await this.sweep(signal)
    const taken = await this.describe({ uid: snapshotUid, machineUid, image }, signal)
    if (!taken) throw new Error(`the snapshot ${snapshotUid} went while it was taken`)
    return taken
  }

  async remove(snapshotUid: string, signal: AbortSignal): Promise<void> {
    for (const { uid, image } of await this.named(signal)) {
      if (uid !== snapshotUid) continue
      // A container that was restored from it needs its layers, and keeps them: the name alone goes, and the rest with the container.
      const removed = this.engine.call(
        signal,
        (options) => this.engine.docker.getImage(image).remove({ force: true, ...options }),
        copyDeadlineMs,
      )
      await unlessMissing(removed)
    }
    for (const file of [this.file(snapshotUid), this.noteFile(snapshotUid)]) await rm(file, { force: true })
    await this.sweep(signal)
  }

  /** Removes what no name leads to and no container needs any more. */
  async sweep(signal: AbortSignal): Promise<void> {
    const filters = { dangling: ['true'], label: [`${snapshotLabel}=${this.options.agent}`] }
    const left = await this.engine.call(signal, (options) => this.engine.docker.listImages({ ...options, filters }))
    for (const { Id } of left)
      try {
        await this.engine.call(signal, (options) => this.engine.docker.getImage(Id).remove(options))
      } catch (error) {
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
      }
  }

  async export(snapshotUid: string, signal: AbortSignal): Promise<ExportedSnapshot> {
    const file = this.file(snapshotUid)
    const noted = await readJsonFile<{ sizeBytes: number; digest: string }>(this.noteFile(snapshotUid))
    if (noted && (await stat(file).catch(() => undefined))?.size === noted.sizeBytes) return { path: file, ...noted }
    const image = await this.inspect(await this.imageOf(snapshotUid, signal), signal)
    if (!image) throw new BackendError('ImageNotFound', `the snapshot ${snapshotUid} is not on this node`, true)
    await makeFolder(this.options.directory)
    // By its id: a file without names gives none to whoever takes it.
    const archive = await this.engine.call(
      signal,
      (options) => dialEngine(this.engine, `/images/${image.Id}/get?`, {}, options),
      copyDeadlineMs,
    )
    const hash = createHash('sha256')
    let sizeBytes = 0
    const counted = async function* () {
      for await (const chunk of archive) {
        hash.update(chunk)
        sizeBytes += chunk.length
        yield chunk
      }
    }
    await pipeline(counted, createWriteStream(`${file}.new`, { mode: 0o600 }), { signal })
    const note = { sizeBytes, digest: `sha256:${hash.digest('hex')}` }
    await putInPlace(`${file}.new`, file)
    await writeJsonFile(this.noteFile(snapshotUid), note)
    return { path: file, ...note }
  }

  async import(file: string, snapshotUid: string, machineUid: string, signal: AbortSignal): Promise<void> {
    if (!(await this.named(signal)).some(({ uid }) => uid === snapshotUid)) {
      await requireNoNames(file, signal)
      const answer = await this.engine.call(signal, (options) => this.load(file, options), copyDeadlineMs)
      const id = /Loaded image ID: (sha256:[0-9a-f]{64})/.exec(answer)?.[1]
      if (!id) throw new BackendError('CreateFailed', `the engine took no image out of the snapshot's file: ${answer.slice(0, 300)}`, true)
      const named = { repo: `${this.prefix}${machineUid}`, tag: snapshotUid }
      await this.engine.call(signal, (options) => this.engine.docker.getImage(id).tag({ ...named, ...options }))
    }
    await rm(file, { force: true })
  }

  private async load(file: string, options: { abortSignal: AbortSignal }): Promise<string> {
    const stream = (await this.engine.docker.loadImage(rewritten(file, options.abortSignal), {
      quiet: true,
      ...options,
    })) as NodeJS.ReadableStream
    let said = ''
    for await (const chunk of stream) said += chunk.toString()
    return said
  }

  private async commit(machineUid: string, snapshotUid: string, signal: AbortSignal): Promise<void> {
    const container = this.engine.docker.getContainer(machineName(machineUid))
    const found = await unlessMissing(this.engine.call(signal, (options) => container.inspect(options)))
    if (!found) throw new BackendError('CreateFailed', 'the machine has no disk on this node', true)
    const volumes = found.Mounts.filter(({ Type }) => Type === 'volume').map(({ Destination }) => Destination)
    if (volumes.length > 0)
      throw new BackendError(
        'Unsupported',
        `its image keeps ${volumes.join(' and ')} in a volume of its own, which a snapshot would not hold`,
        false,
      )
    const wanted = {
      repo: `${this.prefix}${machineUid}`,
      tag: snapshotUid,
      pause: true,
      changes: `LABEL ${snapshotLabel}=${this.options.agent}`,
    }
    try {
      await this.engine.call(signal, (options) => container.commit({ ...wanted, ...options }), copyDeadlineMs)
    } catch (error) {
      if (statusOf(error) === undefined) throw error
      throw new BackendError('CreateFailed', `the disk could not be copied: ${explain(error)}`, true, { cause: error })
    }
  }

  /** The snapshots that have a name, by it. */
  private async named(signal: AbortSignal): Promise<readonly { uid: string; machineUid: string; image: string }[]> {
    const filters = { reference: [`${this.prefix}*`] }
    const images = await this.engine.call(signal, (options) => this.engine.docker.listImages({ ...options, filters }))
    return images
      .flatMap(({ RepoTags }) => RepoTags ?? [])
      .flatMap((image) => {
        const [machineUid, uid] = image.startsWith(this.prefix) ? image.slice(this.prefix.length).split(':') : []
        return machineUid && uid ? [{ uid, machineUid, image }] : []
      })
  }

  private async describe(
    { uid, machineUid, image }: { uid: string; machineUid: string; image: string },
    signal: AbortSignal,
  ): Promise<ObservedSnapshot | undefined> {
    const found = await this.inspect(image, signal)
    if (!found) return undefined
    // The newest layer comes first: what a snapshot adds to what it was made of. (The client takes no options for this call.)
    const layers = await unlessMissing(this.engine.call(signal, () => this.engine.docker.getImage(image).history()))
    return { uid, machineUid, sizeBytes: (layers as { Size: number }[] | undefined)?.[0]?.Size ?? 0, takenAtMs: Date.parse(found.Created) }
  }

  private inspect(image: string, signal: AbortSignal): Promise<Docker.ImageInspectInfo | undefined> {
    return unlessMissing(this.engine.call(signal, (options) => this.engine.docker.getImage(image).inspect(options as object)))
  }

  private file(snapshotUid: string): string {
    return path.join(this.options.directory, `${snapshotUid}.tar`)
  }

  private noteFile(snapshotUid: string): string {
    return path.join(this.options.directory, `${snapshotUid}.json`)
  }
}
