/**
 * One open watch on a raw socket, decoded no further than it must be: it counts
 * events and, when asked to, finds the names of their objects.
 */
import type { Socket } from 'node:net'
import { openSocket, type Target } from '../processes/connection.js'

export interface Watcher {
  /** Events received so far. */
  readonly events: number
  /** How often the server ended the stream because the client was too slow for it, and the watch went on from where it was. */
  readonly resumptions: number
  close(): void
}

/**
 * Watches `path` from `revision`; `onName` is called with the name of each event's object, when given. A stream that the server ends is
 * opened again from the last revision that it brought, as every client of the API does.
 */
export async function openWatcher(target: Target, path: string, revision?: string, onName?: (name: string) => void): Promise<Watcher> {
  const state = { events: 0, resumptions: 0, closed: false, last: revision }
  let socket: Socket
  const follow = async (): Promise<void> => {
    const countEvents = eventCounter()
    const readNames = onName ? nameReader(onName) : () => {}
    socket = await openStream(target, state.last === undefined ? path : `${path}&resourceVersion=${state.last}`, (chunk) => {
      state.events += countEvents(chunk)
      state.last = lastRevision(chunk) ?? state.last
      readNames(chunk)
    })
    socket.once('close', () => {
      if (state.closed || state.last === undefined) return
      state.resumptions++
      follow().catch(() => {})
    })
  }
  await follow()
  return {
    get events() {
      return state.events
    },
    get resumptions() {
      return state.resumptions
    },
    close() {
      state.closed = true
      socket.destroy()
    },
  }
}

/** Resolves once the answer has begun; rejects when it is not 200. */
async function openStream(target: Target, path: string, onChunk: (chunk: Buffer) => void): Promise<Socket> {
  const socket = await openSocket(target)
  await new Promise<void>((resolve, reject) => {
    let open = false
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('the watch was closed before it began')))
    socket.on('data', (chunk: Buffer) => {
      if (!open) {
        if (!chunk.toString('latin1', 0, 15).includes('200')) {
          reject(new Error(`the watch answered ${chunk.toString('utf8', 0, 300)}`))
          socket.destroy()
          return
        }
        open = true
        resolve()
      }
      onChunk(chunk)
    })
    socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\n\r\n`)
  })
  return socket
}

/** Counts the events in a stream of chunks: each begins a line. A mark may be cut in two. */
function eventCounter(): (chunk: Buffer) => number {
  let tail: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const seam = Buffer.concat([tail, chunk.subarray(0, eventMark.length - 1)])
    tail =
      chunk.length >= eventMark.length ? chunk.subarray(1 - eventMark.length) : Buffer.concat([tail, chunk]).subarray(1 - eventMark.length)
    return occurrences(seam) + occurrences(chunk)
  }
}
const eventMark = Buffer.from('\n{"type":"')

function occurrences(bytes: Buffer): number {
  let found = 0
  for (let at = bytes.indexOf(eventMark); at >= 0; at = bytes.indexOf(eventMark, at + eventMark.length)) found++
  return found
}

function lastRevision(chunk: Buffer): string | undefined {
  const at = chunk.lastIndexOf(revisionMark)
  if (at < 0) return undefined
  return /^(\d+)"/.exec(chunk.toString('latin1', at + revisionMark.length, at + revisionMark.length + 20))?.[1]
}
const revisionMark = Buffer.from('"metadata":{"resourceVersion":"')

/** Reads the names out of a stream of chunks; a name may be cut in two. */
function nameReader(onName: (name: string) => void): (chunk: Buffer) => void {
  let tail = ''
  return (chunk) => {
    const text = tail + chunk.toString('latin1')
    let at = 0
    for (;;) {
      const found = text.indexOf(nameMark, at)
      const end = found < 0 ? -1 : text.indexOf('"', found + nameMark.length)
      if (end < 0) {
        tail = text.slice(found < 0 ? Math.max(at, text.length - nameMark.length) : found)
        return
      }
      onName(text.slice(found + nameMark.length, end))
      at = end
    }
  }
}
const nameMark = '"name":"watched-'
