import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { writeChunk } from '../../lib/stream/write-chunk.js'

/** Carries a machine's serial line in channels, as a session is, until the machine ends, which is no failure, or the client goes. */
export async function serveConsole(line: Duplex, stream: ServerHttp2Stream): Promise<void> {
  stream.once('close', () => line.destroy())
  if (stream.destroyed) return void line.destroy()
  stream.respond({ ':status': 200 })
  const link = new FramedChannels(stream)
  void hear(link, line)
  try {
    for await (const bytes of line) await writeMessage(link, { channel: channels.stdout, bytes })
    await writeMessage(link, { channel: channels.error, bytes: Buffer.from(JSON.stringify({ exitCode: 0 })) })
    link.end()
  } catch (error) {
    link.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

/** What is typed, until the link ends. Input that ends leaves the line open: it is still looked at. */
async function hear(link: ChannelLink, line: Duplex): Promise<void> {
  try {
    for await (const { channel, bytes } of messagesOf(link)) if (channel === channels.stdin && bytes) await writeChunk(line, bytes)
  } catch {
    line.destroy() // nobody is there, or the machine has ended
  }
}
