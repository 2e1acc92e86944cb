import type { ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { parseTerminalSize } from '../../lib/stream/terminal-size.js'
import { writeChunk } from '../../lib/stream/write-chunk.js'
import type { ExecSession } from '../backends/exec-session.js'

/**
 * Carries what a command hears and says over the stream. Its last message, on the error channel, is `{"exitCode":N}`; a stream that ends
 * without one is one that broke. When the stream goes, the command is hung up on.
 */
export async function serveExec(session: ExecSession, stream: ServerHttp2Stream): Promise<void> {
  stream.once('close', () => session.hangUp())
  if (stream.destroyed) return session.hangUp()
  stream.respond({ ':status': 200 })
  const link = new FramedChannels(stream)
  void hear(link, session)
  try {
    const [{ exitCode }] = await Promise.all([
      session.ended,
      say(session.stdout, channels.stdout, link),
      ...(session.stderr ? [say(session.stderr, channels.stderr, link)] : []),
    ])
    await writeMessage(link, { channel: channels.error, bytes: Buffer.from(JSON.stringify({ exitCode })) })
    link.end()
  } catch (error) {
    link.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

async function say(from: Readable, channel: number, link: ChannelLink): Promise<void> {
  for await (const bytes of from) await writeMessage(link, { channel, bytes })
}

/** Until the link ends. A command that takes no more input hears no more of it. */
async function hear(link: ChannelLink, session: ExecSession): Promise<void> {
  try {
    for await (const { channel, bytes } of messagesOf(link)) {
      const size = channel === channels.resize && bytes ? parseTerminalSize(bytes) : undefined
      if (size) session.resize(size)
      if (channel !== channels.stdin || !session.stdin) continue
      if (bytes) await writeChunk(session.stdin, bytes).catch(() => {})
      else session.stdin.end()
    }
  } catch {
    // It broke: nobody is there either.
  }
  session.hangUp()
}
