import type { Bench } from '../measure.js'
import { type PeerProcess, startPeer } from './peer-process.js'

/** Parses a JSON body and sends it back: what HTTP, TLS and JSON cost without a store. */
export function startEcho(bench: Bench, clusterDirectory: string): Promise<PeerProcess> {
  return startPeer(bench, clusterDirectory, program)
}

const program = `
serve((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString())))
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
})
`
