/**
 * The connections that node agents have dialled to one server, and the one way to a node: `ask`. The newest connection of a node is the one that is
 * used; what an older one still carries may finish.
 *
 *     const nodes = createNodeConnections()
 *     const { status, stream } = await nodes.ask('n1', { path: '/logs/default/hello', signal })
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { KeepAliveOptions } from './keep-alive.js'
import { ask, askingSession, type NodeAnswer, type NodeRequest } from './node-session.js'

/** A node's agent is not connected, or does not answer; says so in a sentence. */
export class NodeUnreachable extends Error {
  override readonly name = 'NodeUnreachable'
}

export interface NodeConnections {
  /** Takes a connection that the node's agent has dialled. Returns how to end it. */
  add(node: string, connection: Duplex): { close(): void }
  /** Asks a node's agent. Rejects with NodeUnreachable, or with the signal's reason. */
  ask(node: string, request: NodeRequest): Promise<NodeAnswer>
  isConnected(node: string): boolean
  /** Who is connected. */
  names(): readonly string[]
  /** How many nodes are connected. */
  readonly size: number
  /** Ends all connections of a node, with what they carry. */
  end(node: string): void
  /** Ends all connections. */
  close(): void
}

export function createNodeConnections(options: { keepAlive?: KeepAliveOptions } = {}): NodeConnections {
  const newest = new Map<string, ClientHttp2Session>()
  const open = new Map<ClientHttp2Session, string>()

  return {
    add(node, connection) {
      const session = askingSession(connection, options.keepAlive)
      open.set(session, node)
      newest.get(node)?.close()
      newest.set(node, session)
      session.once('close', () => {
        open.delete(session)
        if (newest.get(node) === session) newest.delete(node)
      })
      return { close: () => session.destroy() }
    },

    async ask(node, request) {
      const session = newest.get(node)
      if (!session) throw new NodeUnreachable(`the agent of node "${node}" is not connected; is it running?`)
      try {
        return await ask(session, request)
      } catch (cause) {
        if (request.signal?.aborted) throw cause
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new NodeUnreachable(`the agent of node "${node}" did not answer: ${why}`, { cause })
      }
    },

    isConnected: (node) => newest.has(node),

    names: () => [...newest.keys()],

    get size() {
      return newest.size
    },

    end(node) {
      for (const [session, of] of open) if (of === node) session.destroy()
    },

    close() {
      for (const session of open.keys()) session.destroy()
    },
  }
}
