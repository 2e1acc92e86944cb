/**
 * The connections that node agents have dialled to one server, and the ways to a node: `ask`, and `open` for bytes both ways. The newest
 * connection of a node is the one that is used; what an older one still carries may finish.
 *
 *     const nodes = createNodeConnections()
 *     const { status, stream } = await nodes.ask('n1', { path: '/logs/default/hello', signal })
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { dataHeader } from './data-connection.js'
import { dataDuplex } from './data-duplex.js'
import type { DataPool } from './data-pool.js'
import type { KeepAliveOptions } from './keep-alive.js'
import { ask, askingSession, maxConcurrentStreams, type NodeAnswer, type NodeRequest } from './node-session.js'
import { StreamError } from './stream-error.js'
import { StreamShares } from './stream-shares.js'

/** A node's agent is not connected, or does not answer; says so in a sentence. */
export class NodeUnreachable extends Error {
  override readonly name = 'NodeUnreachable'
}

/** A request, and the namespace for whose sake it is made: so no namespace takes all that a connection can carry. */
export interface NamedRequest extends Omit<NodeRequest, 'onClosed'> {
  readonly namespace?: string
}

export interface NodeConnections {
  /**
   * Takes a connection that the node's agent has dialled, and what keeps its data connections, where there are some. Returns how to end it.
   */
  add(node: string, connection: Duplex, data?: DataPool): { close(): void }
  /** What keeps the data connections that show this key; undefined when the node has no such connection. */
  dataOf(node: string, key: string): DataPool | undefined
  /** Asks a node's agent. Rejects with NodeUnreachable, or with the signal's reason. */
  ask(node: string, request: NamedRequest): Promise<NodeAnswer>
  /** Asks for bytes both ways, which take a data connection. Rejects likewise. */
  open(node: string, request: Omit<NamedRequest, 'writes'>): Promise<NodeAnswer>
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

interface Connection {
  readonly session: ClientHttp2Session
  readonly data: DataPool | undefined
  readonly shares: StreamShares
}

export interface NodeConnectionsOptions {
  readonly keepAlive?: KeepAliveOptions
  /** Of one connection at once. Default: what agents take. */
  readonly streams?: number
}

export function createNodeConnections(options: NodeConnectionsOptions = {}): NodeConnections {
  const newest = new Map<string, Connection>()
  const open = new Map<ClientHttp2Session, { readonly node: string; readonly connection: Duplex }>()

  /** With what it carries, and whatever its agent does. */
  function endNow(session: ClientHttp2Session): void {
    // One that has ended in order is destroyed already, and waits for the other side.
    if (session.destroyed) open.get(session)?.connection.destroy()
    else session.destroy()
  }

  async function reach(
    node: string,
    { namespace, ...request }: NamedRequest,
    call: (connection: Connection, request: NodeRequest) => Promise<NodeAnswer>,
  ): Promise<NodeAnswer> {
    const connection = newest.get(node)
    if (!connection) throw new NodeUnreachable(`the agent of node "${node}" is not connected; is it running?`)
    const onClosed = connection.shares.take(namespace)
    if (!onClosed) throw new NodeUnreachable(whyNoRoom(node, namespace, connection.shares))
    try {
      return await call(connection, { ...request, onClosed })
    } catch (cause) {
      onClosed()
      if (request.signal?.aborted) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new NodeUnreachable(`the agent of node "${node}" did not answer: ${why}`, { cause })
    }
  }

  return {
    add(node, connection, data) {
      const session = askingSession(connection, options.keepAlive)
      open.set(session, { node, connection })
      newest.get(node)?.session.close()
      newest.set(node, { session, data, shares: new StreamShares(options.streams ?? maxConcurrentStreams) })
      session.once('close', () => {
        data?.close()
        open.delete(session)
        if (newest.get(node)?.session === session) newest.delete(node)
      })
      return { close: () => endNow(session) }
    },

    dataOf(node, key) {
      const data = newest.get(node)?.data
      return data?.key === key ? data : undefined
    },

    ask: (node, named) => reach(node, named, ({ session }, request) => ask(session, request)),

    open: (node, named) => reach(node, named, askForBytes),

    isConnected: (node) => newest.has(node),

    names: () => [...newest.keys()],

    get size() {
      return newest.size
    },

    end(node) {
      for (const [session, of] of open) if (of.node === node) endNow(session)
    },

    close() {
      for (const session of open.keys()) endNow(session)
    },
  }
}

function whyNoRoom(node: string, namespace: string | undefined, shares: StreamShares): string {
  const held = namespace === undefined ? 0 : shares.heldBy(namespace)
  return held === 0
    ? `node "${node}" carries as many sessions and connections as it can; try again when some have ended`
    : `namespace "${namespace}" has ${held} sessions and connections to node "${node}" open, which is its share: end some, and try again`
}

async function askForBytes({ session, data }: Connection, request: Omit<NodeRequest, 'writes'>): Promise<NodeAnswer> {
  if (!data) throw new StreamError('it was not invited to dial data connections')
  const { id, socket } = await data.take(request.signal)
  try {
    const answer = await ask(session, { ...request, writes: true, headers: { ...request.headers, [dataHeader]: id } })
    if (answer.status === 200) return { ...answer, stream: dataDuplex(socket, answer.stream) }
    socket.destroy()
    return answer
  } catch (error) {
    socket.destroy()
    throw error
  }
}
