import type { Duplex } from 'node:stream'
import { type ChannelLink, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { writeChunk } from '../../lib/stream/write-chunk.js'
import type { DialPort } from './carry-forward.js'

/**
 * Carries one connection to each of the ports, over channels: 2n for the bytes of the n-th port, 2n+1 for the words of its failure; each
 * begins with the port as two bytes. Resolves when both sides are done with all of them.
 */
export async function carryPortChannels(link: ChannelLink, ports: readonly number[], dial: DialPort): Promise<void> {
  const remotes = new Map<number, Duplex>()
  try {
    await Promise.all(
      ports.map(async (port, index) => {
        const preamble = Buffer.alloc(2)
        preamble.writeUInt16LE(port)
        for (const channel of [2 * index, 2 * index + 1]) await writeMessage(link, { channel, bytes: preamble })
      }),
    )
    const answers = ports.map(async (port, index) => {
      try {
        remotes.set(2 * index, await dial(port))
      } catch (error) {
        await writeMessage(link, { channel: 2 * index + 1, bytes: Buffer.from(error instanceof Error ? error.message : String(error)) })
      }
    })
    await Promise.all(answers)
    void hear(link, remotes)
    await Promise.all([...remotes].map(([channel, remote]) => repeat(remote, channel, link)))
    link.end()
    link.resume()
    if (!link.closed) await new Promise((resolve) => link.once('close', resolve))
  } catch {
    link.destroy()
  } finally {
    for (const remote of remotes.values()) remote.destroy()
  }
}

async function repeat(remote: Duplex, channel: number, link: ChannelLink): Promise<void> {
  for await (const bytes of remote.iterator({ destroyOnReturn: false })) await writeMessage(link, { channel, bytes })
  await writeMessage(link, { channel, bytes: undefined })
}

/** From the client, until it is gone. */
async function hear(link: ChannelLink, remotes: ReadonlyMap<number, Duplex>): Promise<void> {
  try {
    for await (const { channel, bytes } of messagesOf(link)) {
      const remote = remotes.get(channel)
      if (!remote) continue
      if (bytes) await writeChunk(remote, bytes).catch(() => {})
      else remote.end()
    }
  } catch {
    // It broke.
  }
  for (const remote of remotes.values()) remote.destroy()
}
