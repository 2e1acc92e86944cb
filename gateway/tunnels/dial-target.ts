import type { Duplex, Readable } from 'node:stream'
import type { NodeConnections } from '../../lib/stream/node-connections.js'
import type { TargetPlace } from './find-target.js'

/** More than this of a refusal is not read. */
const maxRefusalBytes = 4 * 1024

/** Opens a connection to the target; by udp, of framed datagrams. Rejects with a sentence that says why there is none. */
export async function dialTarget(
  place: TargetPlace,
  protocol: 'tcp' | 'udp',
  nodes: Pick<NodeConnections, 'open'>,
  signal: AbortSignal,
): Promise<Duplex> {
  const { node, kind, namespace, name, uid, attempt, port } = place
  const query = new URLSearchParams({ kind, uid, attempt: String(attempt), port: String(port), protocol })
  const path = `/portforward/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${query}`
  // The signal is for the dialling alone: what is open ends with its connection.
  const { status, stream } = await nodes.open(node, { method: 'POST', path, signal, namespace })
  if (status === 200) return stream
  throw new Error((await readRefusal(stream)) || `the agent of node "${node}" answered with code ${status}`)
}

async function readRefusal(body: Readable): Promise<string> {
  let text = ''
  try {
    for await (const chunk of body) {
      text += chunk
      if (text.length > maxRefusalBytes) break
    }
  } catch {
    // What came is what there is to say.
  }
  return text.slice(0, maxRefusalBytes)
}
