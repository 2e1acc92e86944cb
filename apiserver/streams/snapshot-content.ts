/**
 * The content of a VpsSnapshot: from the agent that has it to whoever restores it
 * elsewhere, from any byte on, so that a copy that broke goes on.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { ApiError, badRequest, notFound, serviceUnavailable } from '../../lib/api/api-error.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { SnapshotTarget } from '../http/server-parts.js'
import type { Store } from '../storage/store.js'
import { readRefusal } from './agent-refusal.js'
import type { NodeStreams } from './node-streams.js'
import { passOn } from './pass-on.js'

export interface SnapshotContentOptions {
  readonly streams: NodeStreams
  readonly store: Pick<Store, 'get'>
  readonly judgeEveryMs: number
}

/** The agent makes the file when it is first asked for it. */
const longestExportMs = 1_800_000

/** Rejects with an ApiError while nothing was sent. */
export async function sendSnapshotContent(
  { streams, store, judgeEveryMs }: SnapshotContentOptions,
  { namespace, name, range, isAllowed }: SnapshotTarget,
  response: ServerResponse,
): Promise<void> {
  const offset = parseRange(range)
  const { metadata, spec } = findReady(store, namespace, name)
  const reader = new AbortController()
  response.once('close', () => reader.abort(new Error('the reader went away')))
  const query = new URLSearchParams({ uid: metadata.uid, offset: String(offset) })
  const path = `/snapshots/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${query}`
  const node = spec.nodeName ?? ''
  const asking = { path, namespace, signal: reader.signal, timeoutMs: longestExportMs }
  const { status, headers, stream } = await streams.openNodeStream(node, asking)
  if (status !== 200) throw await readRefusal(status, stream, subjectOf(name), node)
  const { size, digest } = readHead(headers, offset, node)
  const bytes = size - offset
  const answer = {
    'content-type': 'application/octet-stream',
    'content-length': bytes,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
    ...(range === undefined ? {} : { 'content-range': `bytes ${offset}-${size - 1}/${size}` }),
  }
  const isStillDue = () => isAllowed() && findReady(store, namespace, name).metadata.uid === metadata.uid
  await passOn(stream, response, { status: range === undefined ? 200 : 206, headers: answer, bytes, isStillDue, judgeEveryMs })
}

/** What the agent says of the whole. Throws ServiceUnavailable for what cannot be. */
function readHead(headers: IncomingHttpHeaders, offset: number, node: string): { readonly size: number; readonly digest: string } {
  const [size, digest] = [String(headers['x-millrace-size']), String(headers['x-millrace-digest'])]
  if (/^\d{1,15}$/.test(size) && Number(size) >= offset && /^sha256:[0-9a-f]{64}$/.test(digest)) return { size: Number(size), digest }
  throw serviceUnavailable(`the agent of node "${node}" says neither size nor digest of the snapshot`)
}

/** Only `bytes=N-`: whoever goes on wants the rest. */
function parseRange(range: string | undefined): number {
  if (range === undefined) return 0
  const [, offset] = /^bytes=(\d{1,15})-$/.exec(range) ?? []
  if (offset === undefined) throw badRequest('the content is sent from a byte on: Range: bytes=N-')
  return Number(offset)
}

function findReady(store: Pick<Store, 'get'>, namespace: string, name: string): VpsSnapshot {
  const stored = store.get({ group: VpsSnapshot.group, resource: VpsSnapshot.plural, namespace, name })
  if (!stored) throw notFound(subjectOf(name))
  const snapshot = JSON.parse(stored.bytes.toString()) as VpsSnapshot
  if (snapshot.status?.phase !== 'Ready')
    throw new ApiError('BadRequest', `snapshot "${name}" is not ready: its phase is ${snapshot.status?.phase ?? 'Pending'}`)
  return snapshot
}

const subjectOf = (name: string) => ({ group: VpsSnapshot.group, resource: VpsSnapshot.plural, name })
