/**
 * The connections that node agents dial, and the one way to a node: `openNodeStream`. The newest connection of a node is the one that is used;
 * what an older one still carries may finish.
 *
 *     const streams = createNodeStreams()
 *     const { status, stream } = await streams.openNodeStream('n1', { path: '/logs/default/hello', signal })
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { serviceUnavailable } from '../../lib/api/api-error.js'
import type { KeepAliveOptions } from '../../lib/stream/keep-alive.js'
import { ask, askingSession, type NodeAnswer, type NodeRequest } from '../../lib/stream/node-session.js'

export interface NodeStreams {
  /** Takes a connection that the node's agent has dialled. Returns how to end it. */
  add(node: string, connection: Duplex): { close(): void }
  /** Asks a node's agent. Rejects with ServiceUnavailable when it is not connected or does not answer, or with the signal's reason. */
  openNodeStream(node: string, request: NodeRequest): Promise<NodeAnswer>
  isConnected(node: string): boolean
  /** Ends all connections. */
  close(): void
}

export function createNodeStreams(options: { keepAlive?: KeepAliveOptions } = {}): NodeStreams {
  const newest = new Map<string, ClientHttp2Session>()
  const open = new Set<ClientHttp2Session>()

  return {
    add(node, connection) {
      const session = askingSession(connection, options.keepAlive)
      open.add(session)
      newest.get(node)?.close()
      newest.set(node, session)
      session.once('close', () => {
        open.delete(session)
        if (newest.get(node) === session) newest.delete(node)
      })
      return { close: () => session.destroy() }
    },

    async openNodeStream(node, request) {
      const session = newest.get(node)
      if (!session) throw serviceUnavailable(`the agent of node "${node}" is not connected; is it running?`)
      try {
        return await ask(session, request)
      } catch (error) {
        if (request.signal?.aborted) throw error
        throw serviceUnavailable(
          `the agent of node "${node}" did not answer: ${error instanceof Error ? error.message : String(error)}`,
          error,
        )
      }
    },

    isConnected: (node) => newest.has(node),

    close() {
      for (const session of open) session.destroy()
    },
  }
}
