import type { ServerHttp2Stream } from 'node:http2'
import { channels, writeMessage } from '../../lib/stream/channel-link.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import type { LogLine } from '../backends/backend.js'

/** Carries what a run says from now on, until it ends. What it is told by others is none of this: runs have no input. */
export async function serveAttach(lines: AsyncIterable<LogLine>, stream: ServerHttp2Stream): Promise<void> {
  stream.respond({ ':status': 200 })
  const link = new FramedChannels(stream)
  link.resume()
  try {
    for await (const line of lines) await writeMessage(link, { channel: channels[line.stream], bytes: line.bytes })
    await writeMessage(link, { channel: channels.error, bytes: Buffer.from(JSON.stringify({ exitCode: 0 })) })
    link.end()
  } catch (error) {
    link.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}
