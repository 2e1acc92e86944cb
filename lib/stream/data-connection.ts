/**
 * Data connections: what carries the bytes of one stream and nothing else, beside the connection over which it was asked for. The agent
 * dials some ahead when the server invites to it, in its answer to the upgrade; the server names one in a request, and each serves once.
 * The one rule: they belong to one connection of a node, are used for that alone, and end with it.
 *
 *     101, millrace-data-key: KEY          the server invites
 *     GET /data/KEY/7                      the agent dials, upgrading to millrace-data/1
 *     POST /portforward/…, millrace-data: 7    the server asks over HTTP/2; the bytes take number 7
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** The word in the Upgrade header of both sides. */
export const dataProtocol = 'millrace-data/1'
/** In the answer to the upgrade for streams: what data connections show. */
export const dataKeyHeader = 'millrace-data-key'
/** In a request: the data connection that it takes. */
export const dataHeader = 'millrace-data'

/** So often it is asked whether the other side is still there, milliseconds; a network that forgets what is silent keeps it. */
const keepAliveMs = 30_000

export interface DataOffer {
  readonly key: string
  readonly id: string
}

export const dataPath = ({ key, id }: DataOffer) => `/data/${key}/${id}`

/** Whose data connection an agent dials; undefined for every other request. */
export function readDataOffer({ headers, url = '' }: IncomingMessage): DataOffer | undefined {
  if (headers.upgrade?.toLowerCase() !== dataProtocol) return undefined
  const [, key, id] = /^\/data\/([\w-]{1,64})\/(\d{1,12})$/.exec(url) ?? []
  return key === undefined || id === undefined ? undefined : { key, id }
}

/**
 * Looks after a data connection until it is used: nobody has anything to say on
 * it yet. Calls `onGone` when it ends; returns how to take it.
 */
export function keepIdle(socket: Socket, onGone: () => void): () => Socket {
  socket.setTimeout(0)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveMs)
  const leave = () => socket.destroy()
  socket.on('error', leave)
  socket.once('close', onGone).once('end', leave).on('data', leave)
  return () => {
    socket.off('close', onGone).off('end', leave).off('data', leave)
    return socket.pause()
  }
}
