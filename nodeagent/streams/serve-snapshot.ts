import { createReadStream } from 'node:fs'
import type { ServerHttp2Stream } from 'node:http2'
import { pipeline } from 'node:stream/promises'
import type { MachineBackend } from '../backends/machine-backend.js'

/** What somebody who restores a snapshot elsewhere asks for. */
export interface SnapshotRequest {
  readonly name: string
  readonly uid: string
  readonly offset: number
}

/** Why there is no such content. */
export class NoSnapshotError extends Error {
  override readonly name = 'NoSnapshotError'
}

/** Reads `/snapshots/NAMESPACE/NAME?uid=…&offset=…`; undefined for every other path. Throws a RangeError for a value that is none. */
export function parseSnapshotRequest(path: string): SnapshotRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, route, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (route !== 'snapshots' || !namespace || !name || rest.length > 0) return undefined
  const offset = searchParams.get('offset') ?? '0'
  if (!/^\d{1,15}$/.test(offset)) throw new RangeError('offset must be a whole number')
  return { name, uid: searchParams.get('uid') ?? '', offset: Number(offset) }
}

/** Sends a snapshot as one file, from a byte on; size and digest of the whole stand in the head. */
export async function serveSnapshot(
  { name, uid, offset }: SnapshotRequest,
  stream: ServerHttp2Stream,
  machines: ReadonlyMap<string, MachineBackend>,
): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('the reader went away')))
  const backend = await backendWith(uid, machines, ending.signal)
  if (!backend) throw new NoSnapshotError(`snapshot "${name}" is not on the node`)
  const { path, sizeBytes, digest } = await backend.exportSnapshot(uid, ending.signal)
  if (offset > sizeBytes) throw new RangeError(`snapshot "${name}" has ${sizeBytes} bytes: there is none at ${offset}`)
  stream.respond({ ':status': 200, 'x-millrace-size': String(sizeBytes), 'x-millrace-digest': digest })
  if (offset === sizeBytes) return void stream.end()
  try {
    await pipeline(createReadStream(path, { start: offset }), stream)
  } catch (error) {
    if (!ending.signal.aborted) throw error
  }
}

async function backendWith(
  uid: string,
  machines: ReadonlyMap<string, MachineBackend>,
  signal: AbortSignal,
): Promise<MachineBackend | undefined> {
  for (const backend of machines.values())
    if ((await backend.observeSnapshots(signal)).some((snapshot) => snapshot.uid === uid)) return backend
  return undefined
}
