import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import type { ClientChannel } from 'ssh2'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { TerminalSize } from '../../../../lib/stream/terminal-size.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import { shellQuote } from '../cloud-init/user-data.js'
import type { GuestSsh } from './guest-ssh.js'

/** Before the hang-up of a command becomes a kill. */
const hangUpMs = 2000
const endMs = 30_000
const unknownEnd = 255
/** In the environment of what a session runs. */
const markName = 'MILLRACE_SESSION'

/** Starts a command in a machine; without one, the login shell. */
export async function execInGuest(ssh: GuestSsh, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
  const mark = randomUUID()
  const { TERM: term = 'xterm-256color', ...env } = order.environment ?? {}
  const pty = order.tty ? { term, rows: 24, cols: 80 } : false
  const ask: Parameters<GuestSsh['openSession']>[0] = (client, answer) => {
    if (order.command.length === 0) client.shell(pty, { env }, answer)
    else client.exec(commandLine(order, mark), pty === false ? { env } : { pty, env }, answer)
  }
  const follow = (made: ClientChannel) => {
    const state = { channel: made, ended: endOf(made, order.tty), hasExited: false }
    made.once('exit', () => {
      state.hasExited = true
    })
    return state
  }
  const state = await ssh.openSession(ask, follow, signal)
  const { channel, ended } = state
  if (!order.stdin && order.command.length === 0) channel.end()
  return {
    ...(order.stdin ? { stdin: channel } : {}),
    stdout: channel,
    ...(order.tty ? {} : { stderr: channel.stderr }),
    resize: ({ rows, columns }: TerminalSize) => channel.setWindow(rows, columns, 0, 0),
    ended,
    // What a command that has ended left running in the machine is not its session's any more.
    hangUp: () => void (state.hasExited ? letGo(channel) : hangUp(ssh, channel, mark, order.tty)),
  }
}

/**
 * The server gives it to a shell. The mark finds the command and all that it started. No input is said there: a
 * channel whose input was ended takes no window sizes any more.
 */
function commandLine({ command, stdin }: ExecOrder, mark: string): string {
  return `${markName}=${mark} ${command.map(shellQuote).join(' ')}${stdin ? '' : ' </dev/null'}`
}

/** Its exit code, once all that it said was read. A connection that went is an end that nobody saw. */
function endOf(channel: ClientChannel, tty: boolean, unread = false): Promise<{ exitCode: number }> {
  let exitCode = unknownEnd
  channel.on('exit', (code: number | null, signalName?: string) => {
    exitCode = code ?? 128 + (signalNumbers.get(`SIG${signalName?.replace(/^SIG/, '')}`) ?? 0)
  })
  if (tty || unread) channel.stderr.resume()
  if (unread) channel.resume()
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()))
  return closed.then(() => ({ exitCode }))
}

const signalNumbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals))

/** Whoever looked on reads no more. */
function letGo(channel: ClientChannel): void {
  channel.resume()
  channel.stderr.resume()
  channel.end()
}

/**
 * A terminal that closes tells its commands so. The others are told by a session of their own: sshd passes no signals on to what root runs.
 */
async function hangUp(ssh: GuestSsh, channel: ClientChannel, mark: string, tty: boolean): Promise<void> {
  letGo(channel)
  if (tty) return channel.close()
  try {
    await endMarked(ssh, mark, 'HUP')
    await sleep(systemClock, hangUpMs)
    await endMarked(ssh, mark, 'KILL')
  } catch {
    // the machine went, and all in it
  } finally {
    channel.close()
  }
}

async function endMarked(ssh: GuestSsh, mark: string, signalName: string): Promise<void> {
  const script = `for entry in /proc/[0-9]*; do tr '\\0' '\\n' <"$entry/environ" 2>/dev/null | grep -qx '${markName}=${mark}' && kill -${signalName} "\${entry##*/}"; done`
  const ask: Parameters<GuestSsh['openSession']>[0] = (client, answer) => client.exec(script, answer)
  await (await ssh.openSession(ask, (channel) => ({ ended: endOf(channel, false, true) }), AbortSignal.timeout(endMs))).ended
}
