import { badRequest } from '../../lib/api/api-error.js'

export interface ForwardQuery {
  readonly ports: readonly number[]
  readonly protocol: 'tcp' | 'udp'
}

/**
 * The ports that a port-forward over channels is for: `?ports=80&ports=443`; over streams each connection names its own. `protocol=udp`:
 * what the channels carry are datagrams (lib/stream/datagrams.ts). Throws BadRequest.
 */
export function parseForwardQuery(query: URLSearchParams): ForwardQuery {
  for (const name of query.keys())
    if (name !== 'ports' && name !== 'protocol')
      throw badRequest(`portforward has no parameter ${JSON.stringify(name)}; it knows ports and protocol`)
  const protocol = query.get('protocol') ?? 'tcp'
  if (protocol !== 'tcp' && protocol !== 'udp') throw badRequest(`${JSON.stringify(protocol)} is no protocol of a port-forward: tcp or udp`)
  return { ports: parsePorts(query), protocol }
}

function parsePorts(query: URLSearchParams): readonly number[] {
  const ports = query.getAll('ports').flatMap((text) => text.split(','))
  if (ports.length > maxPorts) throw badRequest(`a port-forward over one WebSocket has at most ${maxPorts} ports`)
  return ports.map((text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
    if (port < 1 || port > 65_535) throw badRequest(`${JSON.stringify(text)} is not a port`)
    return port
  })
}

/** Channels are numbered in a byte, and two belong to a port. */
const maxPorts = 100
