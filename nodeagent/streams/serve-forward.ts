import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { joinBoth } from '../../lib/stream/join-both.js'

/** Carries one connection to a port of a run, both ways, each half to its end. `bytes`: where the other side has its own. */
export async function serveForward(connection: Duplex, stream: ServerHttp2Stream, bytes: Duplex): Promise<void> {
  if (stream.destroyed) return void connection.destroy()
  stream.respond({ ':status': 200 })
  await joinBoth(bytes, connection)
}
