import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'
import { parseTunnelCountsPath } from '../../lib/api/tunnel-stats.js'
import type { NodeRequestHandler } from '../../lib/stream/node-session.js'

/** Answers what the API server asks over the connection that the gateway has dialled: the counts of a Tunnel, and nothing else. */
export function serveCounts(countsOf: (namespace: string, name: string) => TunnelCounts | undefined): NodeRequestHandler {
  return ({ method, path }, stream) => {
    const asked = method === 'GET' ? parseTunnelCountsPath(path) : undefined
    const counts = asked && countsOf(asked.namespace, asked.name)
    if (!counts) return stream.respond({ ':status': 404 }, { endStream: true })
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify(counts))
  }
}
