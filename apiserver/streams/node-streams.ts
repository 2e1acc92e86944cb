import type { Duplex } from 'node:stream'
import { serviceUnavailable } from '../../lib/api/api-error.js'
import { createNodeConnections, type NamedRequest, NodeUnreachable } from '../../lib/stream/node-connections.js'
import type { NodeAnswer } from '../../lib/stream/node-session.js'

/** The way to the nodes, in the words of the API. */
export interface NodeStreams {
  /** Takes a connection that the node's agent has dialled. Returns how to end it. */
  add(node: string, connection: Duplex): { close(): void }
  /** Asks a node's agent. Rejects with ServiceUnavailable when it is not connected or does not answer, or with the signal's reason. */
  openNodeStream(node: string, request: NamedRequest): Promise<NodeAnswer>
  isConnected(node: string): boolean
  /** Ends all connections. */
  close(): void
}

export function createNodeStreams(): NodeStreams {
  const { add, ask, isConnected, close } = createNodeConnections()
  return {
    add,
    isConnected,
    close,
    async openNodeStream(node, request) {
      try {
        return await ask(node, request)
      } catch (error) {
        throw error instanceof NodeUnreachable ? serviceUnavailable(error.message, error.cause) : error
      }
    },
  }
}
