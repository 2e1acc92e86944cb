import { badRequest } from '../../lib/api/api-error.js'

/** The ports that a port-forward over channels is for: `?ports=80&ports=443`. Over streams each connection names its own. Throws BadRequest. */
export function parseForwardQuery(query: URLSearchParams): readonly number[] {
  for (const name of query.keys())
    if (name !== 'ports') throw badRequest(`portforward has no parameter ${JSON.stringify(name)}; it knows ports`)
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
