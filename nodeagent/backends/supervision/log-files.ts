/**
 * Reads the log files that shims write: `TIME STREAM TAG TEXT` lines in FILE, and older ones in FILE.1, FILE.2 and so on. Following goes by
 * the open file, so that a rotation in between loses nothing.
 */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { LogLine } from '../backend.js'
import { parseLogLine } from './log-line.js'
import { findTail } from './log-tail.js'
import { watchFolders } from './watch-folders.js'

const chunkBytes = 64 * 1024

/** The newest of a run's log files; the older ones are beside it. */
export const logFileOf = (logDirectory: string) => path.join(logDirectory, 'log')

export interface LogFileOptions {
  readonly follow: boolean
  readonly tailLines?: number | undefined
  readonly sinceMs?: number | undefined
  /** Whether the run has ended, so that nothing more will be written. */
  readonly hasEnded: () => Promise<boolean>
  /** The folder whose changes may tell that it has. */
  readonly recordFolder: string
}

export async function* readLogFiles(file: string, options: LogFileOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { sinceMs = Number.NEGATIVE_INFINITY } = options
  for await (const line of readAll(file, options, signal)) {
    if (Date.parse(line.time) >= sinceMs) yield line
  }
}

async function* readAll(file: string, options: LogFileOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
  const changes = options.follow ? watchFolders([path.dirname(file), options.recordFolder]) : undefined
  const files = await openGenerations(file)
  try {
    const start = options.tailLines === undefined ? { index: 0, offset: 0 } : await findTail(files, options.tailLines)
    let current = files.at(-1)
    for (const [index, handle] of files.entries()) {
      if (index < start.index || handle === current) continue
      yield* readLines(handle, index === start.index ? start.offset : 0, signal)
    }
    let offset = files.length - 1 === start.index ? start.offset : 0
    for (;;) {
      signal.throwIfAborted()
      const ended = !options.follow || (await options.hasEnded())
      if (current) {
        const reader = readLines(current, offset, signal)
        for (let next = await reader.next(); ; next = await reader.next()) {
          if (next.done) {
            offset = next.value
            break
          }
          yield next.value
        }
      }
      const newer = await openNewer(file, current)
      files.push(...newer)
      const last = newer.at(-1)
      if (last) {
        // What was written to the old file between the last read and the rename, and files that came and went since.
        if (current) yield* readLines(current, offset, signal)
        for (const handle of newer.slice(0, -1)) yield* readLines(handle, 0, signal)
        current = last
        offset = 0
      } else if (ended) return
      else await changes?.next(signal)
    }
  } finally {
    changes?.close()
    await Promise.all(files.map((handle) => handle.close()))
  }
}

/** Oldest first; the file itself last. Opened before anything is read: a rotation then only renames what is open. */
async function openGenerations(file: string): Promise<FileHandle[]> {
  const base = path.basename(file)
  const names = (await readdir(path.dirname(file)).catch(() => [])).filter((name) => name === base || name.startsWith(`${base}.`))
  const ages = names.map((name) => (name === base ? 0 : Number(name.slice(base.length + 1)))).filter(Number.isInteger)
  const handles: FileHandle[] = []
  const seen = new Set<number>()
  for (const age of ages.sort((a, b) => b - a)) {
    const handle = await open(age === 0 ? file : `${file}.${age}`, 'r').catch(() => undefined)
    if (!handle) continue
    const { ino } = await handle.stat()
    if (seen.has(ino)) await handle.close()
    else handles.push(handle)
    seen.add(ino)
  }
  return handles
}

/** The files that came after the open one, oldest first; none while it is still the newest. */
async function openNewer(file: string, current: FileHandle | undefined): Promise<FileHandle[]> {
  const newest = await stat(file).catch(() => undefined)
  const { ino } = (await current?.stat()) ?? {}
  if (!newest || newest.ino === ino) return []
  const all = await openGenerations(file)
  const inodes = await Promise.all(all.map(async (handle) => (await handle.stat()).ino))
  const known = ino === undefined ? -1 : inodes.indexOf(ino)
  await Promise.all(all.slice(0, known + 1).map((handle) => handle.close()))
  return all.slice(known + 1)
}

/** Yields whole lines from an offset on; returns the offset behind the last one. */
async function* readLines(handle: FileHandle, offset: number, signal: AbortSignal): AsyncGenerator<LogLine, number> {
  const buffer = Buffer.alloc(chunkBytes)
  let held = Buffer.alloc(0)
  let position = offset
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position + held.length)
    if (bytesRead === 0) return position
    const text = Buffer.concat([held, buffer.subarray(0, bytesRead)])
    let start = 0
    for (let end = text.indexOf(10, start); end >= 0; end = text.indexOf(10, start)) {
      const line = parseLogLine(text.subarray(start, end))
      start = end + 1
      if (line) yield line
    }
    position += start
    held = text.subarray(start)
  }
}
