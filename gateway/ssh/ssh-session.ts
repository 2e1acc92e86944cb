import type { Socket } from 'node:net'
import type { ServerChannel, Session } from 'ssh2'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { TerminalSize } from '../../lib/stream/terminal-size.js'
import { type MachineStreams, MachineUnreachable } from '../machines/machine-streams.js'
import { carryCommand } from './carry-command.js'
import { joinChannel, writeToChannel } from './channel-bytes.js'

export interface SshSessionOptions {
  readonly socket: Socket
  /** Aborts when the connection ends. */
  readonly gone: AbortSignal
  readonly machines: MachineStreams
  /** The machine as it is now; undefined when it is gone. */
  readonly machine: () => Vps | undefined
  /** What people are to read first: why something that they asked for was refused. */
  readonly notices: readonly string[]
  readonly onChannel: (channel: ServerChannel) => void
}

/** What the client says of its surroundings, and the machine is told: all that there is of them, and of each more than a locale is long. */
const passedOn = /^(LANG|LC_[A-Z]{1,32}|COLORTERM)$/
const passedValue = /^[\x20-\x7e]{0,128}$/
const maxVariables = 16
/** What ssh itself ends with when there is no connection. */
const unreachableCode = 255

/** Serves one session channel: a shell, a command or the sftp subsystem, with or without a terminal. */
export function serveSession(session: Session, options: SshSessionOptions): void {
  const environment = new Map<string, string>()
  let terminal: TerminalSize | undefined
  session.on('env', (accept, reject, { key, val }) => {
    const known = passedOn.test(key) && passedValue.test(val) && (environment.has(key) || environment.size < maxVariables)
    if (known) environment.set(key, val)
    ;(known ? accept : reject)?.()
  })
  session.on('pty', (accept, _reject, { cols, rows, term }: { cols: number; rows: number; term?: string }) => {
    terminal = { columns: sizeOr(cols, 80), rows: sizeOr(rows, 24) }
    if (term && /^[\w.+-]{1,64}$/.test(term)) environment.set('TERM', term)
    accept?.()
  })
  // Of whoever asks for a second one on the same session the library makes no channel.
  const run = (channel: ServerChannel | undefined, command: readonly string[]) =>
    channel &&
    void serveChannel(options, session, channel, async (machine, signal) => {
      const link = await options.machines.openExec(
        machine,
        { command, tty: terminal !== undefined, environment: Object.fromEntries(environment) },
        signal,
      )
      const end = await carryCommand(options.socket, session, channel, link, terminal)
      if (end === undefined) throw new MachineUnreachable('the session was ended from the side of the machine')
      if ('signal' in end) channel.exit(end.signal, false, '')
      else channel.exit(end.exitCode)
    })
  session.on('shell', (accept) => run(accept(), []))
  session.on('exec', (accept, _reject, { command }) => run(accept(), ['/bin/sh', '-c', command]))
  session.on('subsystem', (accept, reject, { name }) => {
    if (name !== 'sftp') return reject?.()
    const channel: ServerChannel | undefined = accept()
    if (!channel) return
    void serveChannel(options, session, channel, async (machine, signal) => {
      const files = await options.machines.openFiles(machine, signal)
      // scp takes a server that says nothing of its end for one that failed.
      await joinChannel(options.socket, channel, files, () => channel.exit(0))
    })
  })
}

/** Whatever goes wrong is said on the channel's stderr. */
async function serveChannel(
  { socket, gone, machine, notices, onChannel }: SshSessionOptions,
  session: Session,
  channel: ServerChannel,
  serve: (machine: Vps, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  onChannel(channel)
  channel.on('error', () => {})
  const closed = new AbortController()
  session.once('close', () => closed.abort(new Error('the client went away')))
  const signal = AbortSignal.any([gone, closed.signal])
  const say = (text: string) => writeToChannel(socket, channel, channel.stderr, Buffer.from(`${text}\r\n`))
  try {
    for (const notice of notices) await say(notice)
    const present = machine()
    if (!present) throw new MachineUnreachable('the machine was deleted')
    await serve(present, signal)
  } catch (error) {
    if (!signal.aborted) {
      await say(error instanceof MachineUnreachable ? error.message : 'the gateway could not serve this')
      channel.exit(unreachableCode)
    }
  } finally {
    channel.resume()
    channel.close()
  }
}

const sizeOr = (size: number, fallback: number) => (Number.isInteger(size) && size > 0 && size < 65_536 ? size : fallback)
