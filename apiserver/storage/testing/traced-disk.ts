/**
 * What a disk would hold after a loss of power, from a trace of the system calls of a process that wrote to it:
 * writes count from the end of an fsync that began after them, what came later may be there or not, and its last
 * sector may be torn. Names of files are taken as durable at once.
 *
 *     strace -f -y -xx -s 4000000 -e trace=pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink -o TRACE PROGRAM
 */
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'

export const tracedCalls = 'pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink'

type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly truncateTo: number }

interface TracedFile {
  /** What an fsync has made durable, in order. */
  durable: Change[]
  /** What came after. */
  pending: Change[]
}

/** One system call of the process, as far as it matters here. */
export type DiskEvent =
  /** What a process printed to its standard output, `file`: the outside world knows it from here on. */
  | { readonly type: 'said'; readonly file: string; readonly text: string }
  | { readonly type: 'changed'; readonly file: string; readonly change: Change }
  | { readonly type: 'syncing' | 'synced'; readonly file: string; readonly thread: string }
  | { readonly type: 'renamed'; readonly file: string; readonly to: string }
  | { readonly type: 'removed'; readonly file: string }

const sectorBytes = 512

/** The events of a trace that concern the folder, or standard output. */
export async function readTrace(trace: string, folder: string): Promise<DiskEvent[]> {
  const events: DiskEvent[] = []
  const syncing = new Map<string, string>()
  const sizes = new Map<string, number>()
  for await (const line of createInterface({ input: createReadStream(trace) })) {
    const [, thread = '', call = '', rest = ''] = /^(\d+)\s+(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$/.exec(line) ?? []
    if (line.includes('<... ')) {
      const file = syncing.get(thread)
      if (call.endsWith('sync') && file !== undefined) events.push({ type: 'synced', file, thread })
      continue
    }
    if (rest.includes(') = -1 ')) continue
    const [file = '', second = ''] = namesIn(rest)
    if (call === 'write' && rest.startsWith('1<')) events.push({ type: 'said', file, text: bytesIn(rest).toString() })
    if (!file.startsWith(`${folder}/`)) continue
    if (call === 'fsync' || call === 'fdatasync') {
      syncing.set(thread, file)
      events.push({ type: 'syncing', file, thread })
      if (!rest.includes('<unfinished')) events.push({ type: 'synced', file, thread })
    } else if (call === 'pwrite64' || call === 'write') {
      const bytes = bytesIn(rest)
      const offset = call === 'write' ? (sizes.get(file) ?? 0) : Number(/, \d+, (\d+)/.exec(rest.slice(rest.lastIndexOf('"')))?.[1])
      sizes.set(file, Math.max(sizes.get(file) ?? 0, offset + bytes.length))
      events.push({ type: 'changed', file, change: { offset, bytes } })
    } else if (call === 'ftruncate') events.push({ type: 'changed', file, change: { truncateTo: Number(/>, (\d+)/.exec(rest)?.[1]) } })
    else if (call === 'rename') events.push({ type: 'renamed', file, to: second })
    else if (call === 'unlink') events.push({ type: 'removed', file })
  }
  return events
}

/** A disk to which the events happen one after the other. */
export class TracedDisk {
  private readonly files = new Map<string, TracedFile>()
  /** How many pending changes each sync that is under way covers. */
  private readonly covered = new Map<string, number>()

  take(event: DiskEvent): void {
    if (event.type === 'said') return
    const file = this.files.get(event.file) ?? { durable: [], pending: [] }
    switch (event.type) {
      case 'changed':
        this.files.set(event.file, file)
        file.pending.push(event.change)
        return
      case 'syncing':
        this.covered.set(event.thread, file.pending.length)
        return
      case 'synced':
        file.durable.push(...file.pending.splice(0, this.covered.get(event.thread) ?? 0))
        return
      case 'renamed':
        this.files.set(event.to, file)
        this.files.delete(event.file)
        return
      case 'removed':
        this.files.delete(event.file)
    }
  }

  /**
   * Writes to `to` what would be found of `folder` if the power went now. `kept`: which
   * of the changes that were not durable are there all the same.
   */
  async save(folder: string, to: string, kept: () => 'lost' | 'whole' | 'torn'): Promise<void> {
    for (const [name, { durable, pending }] of this.files) {
      const target = path.join(to, path.relative(folder, name))
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 })
      await writeFile(target, contentOf([...durable, ...pending.flatMap((change) => survivors(change, kept()))]), { mode: 0o600 })
    }
  }
}

function survivors(change: Change, fate: 'lost' | 'whole' | 'torn'): Change[] {
  if (fate === 'lost') return []
  if (fate === 'whole' || 'truncateTo' in change) return [change]
  return [{ ...change, bytes: change.bytes.subarray(0, Math.floor(change.bytes.length / 2 / sectorBytes) * sectorBytes) }]
}

function contentOf(changes: readonly Change[]): Buffer {
  let size = 0
  let bytes = Buffer.alloc(0)
  for (const change of changes) {
    const end = 'truncateTo' in change ? change.truncateTo : Math.max(size, change.offset + change.bytes.length)
    if (end > bytes.length) bytes = Buffer.concat([bytes], Math.max(end, 2 * bytes.length))
    if ('truncateTo' in change) bytes.fill(0, end)
    else bytes.set(change.bytes, change.offset)
    size = end
  }
  return bytes.subarray(0, size)
}

/** The paths of a call: those of its descriptors, or its strings. All are printed in hexadecimal. */
const namesIn = (rest: string): string[] =>
  [...rest.slice(0, 20_000).matchAll(/[<"]((?:\\x[0-9a-f]{2})+)[>"]/g)].map((found) => unhex(found[1] ?? '').toString())

const bytesIn = (rest: string): Buffer => unhex(rest.slice(rest.indexOf('"') + 1, rest.lastIndexOf('"')))

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex')
