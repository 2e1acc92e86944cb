import type { Bench } from '../measure.js'
import { type PeerProcess, startPeer } from './peer-process.js'

/** Answers every request with one static buffer of `size` bytes: the floor of a list. */
export function startStaticServer(bench: Bench, clusterDirectory: string, size: number): Promise<PeerProcess> {
  return startPeer(bench, clusterDirectory, program, String(size))
}

const program = `
const body = Buffer.alloc(Number(options[0]), 'a')
serve((_request, response) => {
  response.writeHead(200, { 'content-length': body.length })
  response.end(body)
})
`
