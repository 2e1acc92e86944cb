import type { Bench } from '../measure.js'
import { type PeerProcess, startPeer } from './peer-process.js'

/** Writes each body posted to it to every open response, framed once: the floor of a watch. */
export function startBroadcaster(bench: Bench, clusterDirectory: string): Promise<PeerProcess> {
  return startPeer(bench, clusterDirectory, program)
}

const program = `
const open = new Set()
serve((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    open.add(response)
    response.on('close', () => open.delete(response))
    return
  }
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const frame = Buffer.concat([Buffer.from('{"type":"ADDED","object":'), ...chunks, Buffer.from('}\\n')])
    for (const watcher of open) watcher.write(frame)
    response.writeHead(201, { 'content-length': 2 })
    response.end('{}')
  })
})
`
