import type { ServerHttp2Stream } from 'node:http2'
import type { NodeStats } from '../../lib/api/node-stats.js'
import type { StatsReader } from './stats-reader.js'

/** What is asked: how loaded the machine is, its workloads, or one of them. */
export type StatsRequest = { readonly of: 'machine' } | { readonly of: 'workloads'; readonly uid?: string; readonly kind?: string }

/**
 * Reads `/stats` (the machine), `/stats?of=workloads` (all of them), `/stats/NAMESPACE/NAME?kind=…&uid=…` (one); undefined for every other
 * path. Throws a RangeError for parameters that mean nothing.
 */
export function parseStatsRequest(path: string): StatsRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, route, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (route !== 'stats' || rest.length > 0) return undefined
  if (namespace === undefined) {
    const of = searchParams.get('of') ?? 'machine'
    if (of !== 'machine' && of !== 'workloads') throw new RangeError('of must be machine or workloads')
    return { of }
  }
  if (!namespace || !name) return undefined
  const uid = searchParams.get('uid')
  const kind = searchParams.get('kind') ?? 'Task'
  if (!uid) throw new RangeError('uid must name the workload')
  return { of: 'workloads', uid, kind }
}

/** Answers with NodeStats as JSON. */
export async function serveStats(request: StatsRequest, stream: ServerHttp2Stream, stats: StatsReader): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('nobody waits for the answer')))
  const answer = await readStats(request, stats, ending.signal)
  if (ending.signal.aborted) return
  stream.respond({ ':status': 200, 'content-type': 'application/json' })
  stream.end(JSON.stringify(answer))
}

async function readStats(request: StatsRequest, stats: StatsReader, signal: AbortSignal): Promise<NodeStats> {
  if (request.of === 'machine') return { machine: await stats.readMachine(signal), workloads: [] }
  const workloads = await stats.readWorkloads(signal, request.uid)
  return { workloads: workloads.filter(({ kind }) => request.kind === undefined || kind === request.kind) }
}
