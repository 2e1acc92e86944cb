import { exitCodeOf, type SessionStatus } from '../../lib/api/session-status.js'
import { ConnectionError } from '../../lib/client/client.js'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { printTerminalSize } from '../../lib/stream/terminal-size.js'
import type { InputTerminal } from '../cli/io.js'

/** What is here at the near end. Output is taken at the pace at which it is written. */
export interface NearEnd {
  readonly input?: AsyncIterable<Uint8Array> | undefined
  readonly terminal?: InputTerminal | undefined
  out(chunk: Uint8Array): Promise<void>
  err(chunk: Uint8Array): Promise<void>
}

/** Carries an exec or attach to its end, and resolves with the exit code. Rejects when the session was broken off. */
export async function carry(link: ChannelLink, near: NearEnd): Promise<number> {
  const { terminal } = near
  const sendSize = () =>
    terminal && void writeMessage(link, { channel: channels.resize, bytes: printTerminalSize(terminal.size()) }).catch(() => {})
  sendSize()
  const stopResizing = terminal?.onResize(sendSize)
  const cook = terminal?.raw()
  if (near.input) void tell(near.input, link)
  let status: SessionStatus | undefined
  try {
    for await (const { channel, bytes } of messagesOf(link)) {
      if (!bytes) continue
      if (channel === channels.stdout) await near.out(bytes)
      else if (channel === channels.stderr) await near.err(bytes)
      else if (channel === channels.error) status = JSON.parse(bytes.toString()) as SessionStatus
    }
  } catch (error) {
    if (!status)
      throw new ConnectionError(`the session was broken off: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    cook?.()
    stopResizing?.()
    link.destroy()
  }
  if (!status) throw new ConnectionError('the session ended without a word of how')
  const exitCode = exitCodeOf(status)
  if (exitCode === undefined) throw new Error(status.message ?? 'the session was broken off')
  return exitCode
}

async function tell(input: AsyncIterable<Uint8Array>, link: ChannelLink): Promise<void> {
  try {
    for await (const chunk of input) await writeMessage(link, { channel: channels.stdin, bytes: Buffer.from(chunk) })
    await writeMessage(link, { channel: channels.stdin, bytes: undefined })
  } catch {
    // The session has ended; how, the other direction tells.
  }
}
