/**
 * Several channels of bytes over one connection, as exec and attach have them: what a terminal's two ends say to each other. Three things
 * carry it: frames between server and agent, WebSocket messages, SPDY streams. The one rule: a link is a Duplex of messages, so nothing is
 * taken from one side before the other has room.
 *
 *     await writeMessage(link, { channel: channels.stdout, bytes })
 *     for await (const { channel, bytes } of messagesOf(link)) …
 */
import type { Duplex } from 'node:stream'
import { writeChunk } from './write-chunk.js'

/** The numbers that Kubernetes' protocols give the channels. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const

export interface ChannelMessage {
  readonly channel: number
  /** Undefined: nothing more comes on this channel. */
  readonly bytes: Buffer | undefined
}

/** A Duplex of ChannelMessage. Its end is the orderly end of the session; a connection that breaks before destroys it with an error. */
export type ChannelLink = Duplex & AsyncIterable<ChannelMessage>

/** The messages that come in. Leaving the loop leaves the link open. */
export function messagesOf(link: ChannelLink): AsyncIterable<ChannelMessage> {
  return link.iterator({ destroyOnReturn: false })
}

/** Resolves when the message has gone on its way; rejects when the link is gone. */
export function writeMessage(link: ChannelLink, message: ChannelMessage): Promise<void> {
  return writeChunk(link, message)
}
