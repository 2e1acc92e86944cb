import type { Duplex } from 'node:stream'
import { type ChannelLink, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { writeChunk } from '../../lib/stream/write-chunk.js'

const data = 0
const errors = 1
/** Each channel begins with the number of its port. */
const preambleBytes = 2

/**
 * Carries one connection, or the datagrams of one peer, over a port-forward of one port, each half to
 * its end. Rejects with what the Task's node says of a failure.
 */
export async function forwardConnection(link: ChannelLink, socket: Duplex): Promise<void> {
  // From then on all that was wanted is here, and how the link ends is of no account.
  let isOver = false
  socket.once('close', () => {
    isOver = true
    link.destroy()
  })
  void tell(socket, link)
  const seen = [0, 0]
  let failure = ''
  try {
    for await (const { channel, bytes } of messagesOf(link)) {
      if (channel !== data && channel !== errors) continue
      const piece = bytes?.subarray(Math.max(0, preambleBytes - (seen[channel] ?? 0)))
      seen[channel] = (seen[channel] ?? 0) + (bytes?.length ?? 0)
      if (channel === errors) failure += piece ?? ''
      else if (!piece) {
        isOver = true
        socket.end()
      } else if (piece.length > 0) await writeChunk(socket, piece)
    }
  } catch (error) {
    if (!isOver) throw error
  } finally {
    link.destroy()
  }
  if (failure !== '') throw new Error(failure)
}

async function tell(socket: Duplex, link: ChannelLink): Promise<void> {
  try {
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) await writeMessage(link, { channel: data, bytes })
    await writeMessage(link, { channel: data, bytes: undefined })
  } catch {
    // One side broke; the other direction tells.
  }
}
