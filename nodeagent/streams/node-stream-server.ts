import type { Clock } from '../../lib/base/clock.js'
import type { NodeRequestHandler } from '../../lib/stream/node-session.js'
import type { AgentParts } from '../agent-parts.js'
import { parseStatsRequest, serveStats } from '../stats/serve-stats.js'
import type { StatsReader } from '../stats/stats-reader.js'
import { parseLogRequest } from './log-request.js'
import { NoLogError, serveLogs } from './serve-logs.js'
import { RefusedSession, serveSession } from './serve-session.js'
import { NoSnapshotError, parseSnapshotRequest, serveSnapshot } from './serve-snapshot.js'
import { parseSessionRequest } from './session-request.js'

/** Answers what the server asks over the connection that the agent dialled. A further route is one more case here. */
export function createNodeStreamHandler(
  parts: Pick<AgentParts, 'backends' | 'machines' | 'files' | 'log'> & { readonly clock: Clock; readonly stats?: StatsReader },
): NodeRequestHandler {
  return async ({ method, path, bytes }, stream) => {
    const refuse = (status: number, message: string) => {
      stream.respond({ ':status': status, 'content-type': 'text/plain; charset=utf-8' })
      stream.end(message)
    }
    try {
      const logs = method === 'GET' ? parseLogRequest(path, parts.clock.now()) : undefined
      if (logs) return await serveLogs(logs, stream, parts)
      const stats = parts.stats && method === 'GET' ? parseStatsRequest(path) : undefined
      if (stats && parts.stats) return await serveStats(stats, stream, parts.stats)
      const snapshot = method === 'GET' ? parseSnapshotRequest(path) : undefined
      if (snapshot) return await serveSnapshot(snapshot, stream, parts.machines)
      const session = method === 'POST' ? parseSessionRequest(path) : undefined
      if (session) return await serveSession(session, { stream, bytes }, parts)
      refuse(404, 'the agent has no such route')
    } catch (error) {
      if (stream.headersSent) throw error
      if (error instanceof NoLogError || error instanceof NoSnapshotError) return refuse(404, error.message)
      if (error instanceof RangeError || error instanceof RefusedSession) return refuse(400, error.message)
      parts.log.warn({ err: error, path: path.split('?')[0] }, 'a stream could not be served')
      refuse(500, error instanceof Error ? error.message : 'the stream could not be served')
    }
  }
}
