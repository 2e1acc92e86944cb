import { createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Parser, type ReadEntry } from 'tar'
import { writeChunk } from '../../lib/stream/write-chunk.js'
import type { ByteIo } from '../cli/io.js'
import type { Cluster } from '../cluster/cluster.js'
import type { TaskAddress } from '../sessions/find-task.js'
import { runInTask } from '../sessions/run-in-task.js'
import { pathBelow } from './archive-path.js'
import { showProgress } from './progress.js'

/** Copies a file or folder out of a Task. Only files and folders are made, only below `to`, and no link is followed there. */
export async function copyFrom(io: ByteIo, cluster: Cluster, address: TaskAddress, from: string, to: string): Promise<void> {
  const clean = from.replace(/\/+$/, '') || '/'
  const base = clean === '/' ? '.' : path.posix.basename(clean)
  const command = ['tar', 'cf', '-', '-C', path.posix.dirname(clean), '--', base]
  const target = await targetOf(path.resolve(io.cwd, to), base)
  const progress = showProgress(io)
  const said = new PassThrough()
  let words = ''
  const unpacked = unpack(said, base, target, (text) => io.err(text))
  unpacked.catch((error: Error) => said.destroy(error))
  try {
    const exitCode = await runInTask(
      cluster,
      address,
      command,
      {
        async out(chunk) {
          progress.add(chunk.length)
          await writeChunk(said, chunk)
        },
        async err(chunk) {
          words = (words + Buffer.from(chunk).toString()).slice(0, maxWords)
        },
      },
      io.signal,
    ).catch(async (error: unknown) => {
      // What could not be written here is the cause where both failed.
      if (said.destroyed) await unpacked
      throw error
    })
    if (exitCode !== 0) throw new Error(`the Task's tar ended with code ${exitCode}: ${words.trim()}`)
    said.end()
    await unpacked
  } finally {
    said.destroy()
    progress.end()
  }
}

const maxWords = 4096

/** A folder that is there takes the copy under its own name; anything else is the copy. */
async function targetOf(to: string, base: string): Promise<string> {
  const there = await stat(to).catch(() => undefined)
  return there?.isDirectory() && base !== '.' ? path.join(to, base) : to
}

/** Reads the archive one entry after the other, at the pace of the disk. */
async function unpack(archive: PassThrough, base: string, target: string, warn: (text: string) => void): Promise<void> {
  let entries = 0
  await new Promise<void>((resolve, reject) => {
    let last: Promise<void> = Promise.resolve()
    const parser = new Parser({
      strict: true,
      onReadEntry(entry) {
        entries++
        last = last.then(() => make(entry, base, target, warn))
        last.catch(reject)
      },
    })
    parser.on('error', reject)
    parser.on('end', () => void last.then(resolve, reject))
    archive.on('error', reject)
    pipeline(archive, parser as unknown as NodeJS.WritableStream).catch(reject)
  })
  if (entries === 0) throw new Error('the Task sent no archive')
}

async function make(entry: ReadEntry, base: string, target: string, warn: (text: string) => void): Promise<void> {
  const below = pathBelow(entry.path, base)
  const skip = (why: string) => {
    warn(`skipped ${JSON.stringify(entry.path)}: ${why}\n`)
    entry.resume()
  }
  if (!below) return skip('it was not asked for')
  const file = path.join(target, ...below)
  const isFolder = entry.type === 'Directory'
  if (!isFolder && entry.type !== 'File' && entry.type !== 'OldFile')
    return skip(`it is a ${entry.type}, and only files and folders are copied`)
  if (await crossesLink(target, below)) return skip('a link that lies in its way here is not followed')
  await mkdir(isFolder ? file : path.dirname(file), { recursive: true })
  if (isFolder) return void entry.resume()
  await pipeline(entry as unknown as NodeJS.ReadableStream, createWriteStream(file))
  // Never setuid, and always ours to write again.
  if (entry.mode !== undefined) await chmod(file, (entry.mode & 0o755) | 0o600)
}

/** Whether something below the target is a link already. */
async function crossesLink(target: string, below: readonly string[]): Promise<boolean> {
  for (let depth = 1; depth <= below.length; depth++) {
    const there = await lstat(path.join(target, ...below.slice(0, depth))).catch(() => undefined)
    if (!there) return false
    if (there.isSymbolicLink()) return true
  }
  return false
}
