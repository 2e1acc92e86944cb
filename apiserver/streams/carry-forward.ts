import type { Duplex } from 'node:stream'
import { joinBoth } from '../../lib/stream/join-both.js'
import { SpdyConnection } from '../../lib/stream/spdy/spdy-connection.js'
import type { SpdyStream } from '../../lib/stream/spdy/spdy-stream.js'

/** Opens a connection to a port of the Task. Rejects with what the client is to read. */
export type DialPort = (port: number) => Promise<Duplex>

/** More at once would crowd out the others of the node. */
const maxConnections = 256
/** How long one stream of a pair waits for the other. */
const pairWithinMs = 30_000

/**
 * Carries a port-forward as kubectl speaks it: for each connection a stream for errors and one for data, which name the port and a number
 * of the request. One that fails says why on its error stream, and the others go on. Resolves when the client is gone.
 */
export function carryForward(transport: Duplex, dial: DialPort): Promise<void> {
  const halves = new Map<string, { readonly stream: SpdyStream; readonly timer: NodeJS.Timeout }>()
  let open = 0
  const connection = new SpdyConnection(transport, (stream) => {
    const { streamtype, requestid = '', port } = stream.headers
    if (streamtype !== 'error' && streamtype !== 'data') return void stream.destroy()
    const key = `${requestid}:${port}`
    const other = halves.get(key)
    if (!other) {
      const timer = setTimeout(() => {
        halves.delete(key)
        stream.destroy()
      }, pairWithinMs)
      halves.set(key, { stream, timer })
      return
    }
    clearTimeout(other.timer)
    halves.delete(key)
    if (other.stream.headers.streamtype === streamtype) {
      for (const half of [stream, other.stream]) half.destroy()
      return
    }
    const [data, errors] = streamtype === 'data' ? [stream, other.stream] : [other.stream, stream]
    errors.resume()
    open++
    void carryConnection(data, errors, open > maxConnections ? tooMany : () => dial(readPort(port))).finally(() => open--)
  })
  return new Promise((resolve) =>
    connection.once('close', () => {
      for (const { timer } of halves.values()) clearTimeout(timer)
      resolve()
    }),
  )
}

async function carryConnection(data: SpdyStream, errors: SpdyStream, dial: () => Promise<Duplex>): Promise<void> {
  let remote: Duplex
  try {
    remote = await dial()
  } catch (error) {
    errors.end(error instanceof Error ? error.message : String(error))
    data.resume()
    data.end()
    return
  }
  // A client that waits for the end of both its streams before it closes must not wait for the end of its own half, too.
  remote.once('end', () => errors.end())
  await joinBoth(data, remote)
  errors.end()
}

const tooMany = () => Promise.reject(new Error(`a port-forward has at most ${maxConnections} connections at once`))

function readPort(text: string | undefined): number {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new Error(`${JSON.stringify(text)} is not a port`)
  return port
}
