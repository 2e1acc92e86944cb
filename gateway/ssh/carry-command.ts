import type { Socket } from 'node:net'
import type { ServerChannel, Session } from 'ssh2'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { printTerminalSize, type TerminalSize } from '../../lib/stream/terminal-size.js'
import { readChannel, writeToChannel } from './channel-bytes.js'

/** How a command ended, as far as its agent has said. */
export type CommandEnd = { readonly exitCode: number } | { readonly signal: string } | undefined

/** What SSH calls the signals, and what a terminal has for them. */
const terminalSignals: ReadonlyMap<string, string> = new Map([
  ['INT', '\x03'],
  ['QUIT', '\x1c'],
  ['TSTP', '\x1a'],
])
const endingSignals: ReadonlySet<string> = new Set(['HUP', 'INT', 'QUIT', 'TERM', 'KILL', 'ABRT', 'PIPE'])

/**
 * Carries a command between an SSH channel and the agent's link, each at the other's pace. Resolves, never rejects, with how it ended, once
 * all that it said was sent on. Destroying the link breaks it off.
 */
export async function carryCommand(
  socket: Socket,
  session: Session,
  channel: ServerChannel,
  link: ChannelLink,
  terminal: TerminalSize | undefined,
): Promise<CommandEnd> {
  let signalled: string | undefined
  const tell = (message: Parameters<typeof writeMessage>[1]) => writeMessage(link, message)
  const resize = (size: TerminalSize) => void tell({ channel: channels.resize, bytes: printTerminalSize(size) }).catch(() => {})
  if (terminal) resize(terminal)
  session.on('window-change', (accept, _reject, { rows, cols: columns }) => {
    accept?.()
    if (terminal && rows > 0 && columns > 0) resize({ rows, columns })
  })
  session.on('signal', (accept, reject, { name }) => {
    const key = terminal ? terminalSignals.get(name) : undefined
    if (key === undefined && !endingSignals.has(name)) return void reject?.()
    accept?.()
    if (key !== undefined) return void tell({ channel: channels.stdin, bytes: Buffer.from(key) }).catch(() => {})
    signalled = name
    link.destroy()
  })
  readChannel(
    channel,
    (bytes) => tell({ channel: channels.stdin, bytes }),
    () => void tell({ channel: channels.stdin, bytes: undefined }).catch(() => {}),
  )
  try {
    for await (const { channel: number, bytes } of messagesOf(link)) {
      if (!bytes) continue
      if (number === channels.error) return readEnd(bytes)
      const stream = number === channels.stderr ? channel.stderr : number === channels.stdout ? channel : undefined
      if (stream && !(await writeToChannel(socket, channel, stream, bytes))) break
    }
  } catch {
    // It broke, or was broken off.
  } finally {
    link.destroy()
  }
  return signalled === undefined ? undefined : { signal: signalled }
}

function readEnd(bytes: Buffer): CommandEnd {
  try {
    const { exitCode } = JSON.parse(bytes.toString()) as { exitCode?: unknown }
    return Number.isInteger(exitCode) ? { exitCode: Number(exitCode) } : undefined
  } catch {
    return undefined
  }
}
