import { brokenStatus, exitStatus, type SessionStatus } from '../../lib/api/session-status.js'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'
import type { SessionStreams } from './exec-query.js'

export interface CarryOptions {
  /** What was asked for; a channel of which it says no carries nothing. */
  readonly streams: SessionStreams
  /** Whether the session may go on. */
  readonly isStillDue: () => boolean
  readonly judgeEveryMs: number
  /** How long a client may take for the last message, milliseconds. Default 10 s. */
  readonly lastWordMs?: number
}

/**
 * Carries an exec or attach between a client and the agent, each at the other's pace, and tells the client how
 * it ended. Resolves, never rejects, when both ends are closed.
 */
export async function carrySession(client: ChannelLink, node: ChannelLink, options: CarryOptions): Promise<void> {
  const { lastWordMs = 10_000 } = options
  let ending: SessionStatus = brokenStatus('InternalError', "the connection to the task's node was lost")
  let impatient: NodeJS.Timeout | undefined
  const hurry = () => {
    impatient ??= setTimeout(() => client.destroy(), lastWordMs)
  }
  const stop = judgeRepeatedly(options.judgeEveryMs, options.isStillDue, () => {
    ending = brokenStatus('Forbidden', 'the session is no longer allowed, or its task is no longer there')
    node.destroy()
    hurry()
  })
  node.once('error', hurry)
  void hear(client, node, options.streams)
  try {
    const said = await repeat(node, client, options.streams)
    if (said) ending = said
  } catch {
    // One of them broke; `ending` has the word for the client, if it is still there.
  }
  stop()
  node.destroy()
  hurry()
  try {
    await writeMessage(client, { channel: channels.error, bytes: Buffer.from(JSON.stringify(ending)) })
    client.end()
    if (!client.closed) await new Promise((resolve) => client.once('close', resolve))
  } catch {
    client.destroy()
  } finally {
    clearTimeout(impatient)
  }
}

/** From the client, until it is gone: then the agent shall know. */
async function hear(client: ChannelLink, node: ChannelLink, { stdin, tty }: SessionStreams): Promise<void> {
  try {
    for await (const message of messagesOf(client))
      if (message.channel === channels.stdin ? stdin : message.channel === channels.resize && tty) await writeMessage(node, message)
  } catch {
    // It broke, or the agent's side did.
  }
  node.destroy()
  client.resume()
}

/** From the agent, until its last word. */
async function repeat(node: ChannelLink, client: ChannelLink, { stdout, stderr }: SessionStreams): Promise<SessionStatus | undefined> {
  for await (const message of messagesOf(node)) {
    if (message.channel === channels.error && message.bytes) return readEnding(message.bytes)
    if (message.channel === channels.stdout ? stdout : message.channel === channels.stderr && stderr) await writeMessage(client, message)
  }
  return undefined
}

/** An agent says an exit code, and nothing else is taken from it. */
function readEnding(bytes: Buffer): SessionStatus | undefined {
  try {
    const { exitCode } = JSON.parse(bytes.toString()) as { exitCode?: unknown }
    return typeof exitCode === 'number' && Number.isInteger(exitCode) && exitCode >= 0 && exitCode <= 255 ? exitStatus(exitCode) : undefined
  } catch {
    return undefined
  }
}
