/**
 * Commands beside the task's in microVMs; init.sh has the other end. A session takes one of the slots of its guest for as long as it lives,
 * so that several go at once. Everything goes over sockets of the run's directory: nothing listens in the network.
 */
import { randomBytes } from 'node:crypto'
import type net from 'node:net'
import path from 'node:path'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { BackendError } from '../../backend.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import { connectUnix } from '../connect-unix.js'
import { tellGuest } from './control-pipe.js'
import { slots, socketName } from './microvm-arguments.js'
import { UntilMark } from './until-mark.js'

export interface Guest {
  readonly key: string
  readonly directory: string
  isRunning(): Promise<boolean>
  /** Asks QEMU which of the sockets of ports have somebody connected. */
  connectedPorts(signal: AbortSignal): Promise<ReadonlySet<string>>
}

export interface SessionOrder extends Omit<ExecOrder, 'command'> {
  /** What the guest's shell runs. */
  readonly script: string
}

const pollMs = 50
/** As the kernel of a terminal has it: the end of the input. */
const endOfInput = '\u0004'
const lostExitCode = 137
const freeDeadlineMs = 60_000

export class GuestSessions {
  private readonly taken = new Map<string, Set<number>>()

  /** Resolves when the guest has begun it, which waits for its boot. Rejects with BackendError. */
  async open(guest: Guest, order: SessionOrder, signal: AbortSignal): Promise<ExecSession> {
    const slot = this.take(guest.key)
    const sockets: net.Socket[] = []
    let released = false
    const release = () => {
      if (released) return
      released = true
      for (const socket of sockets.splice(0)) socket.destroy()
      void this.free(guest, slot)
    }
    try {
      const connect = async (port: string) => {
        const socket = await connectToGuest(guest, `${port}_${slot}`, signal)
        sockets.push(socket)
        return socket
      }
      const talk = await connect('talk')
      const streams = order.tty ? [await connect('tty')] : [await connect('in'), await connect('out'), await connect('err')]
      const mark = `\u001e${randomBytes(16).toString('hex')}`
      // What a guest says through a port that QEMU has nobody at is lost.
      await untilPorts(guest, portsOf(slot, order.tty), true, signal)
      await tellGuest(guest, `session ${slot} ${mark}`, signal)
      const lines = linesOf(talk)
      const onAbort = () => talk.destroy()
      signal.addEventListener('abort', onAbort, { once: true })
      const next = async () => {
        const line = await lines.next()
        signal.throwIfAborted()
        if (line.done) throw notRunning()
        return line.value
      }
      // Only what is sent now is surely read by this session, and by none before it.
      while ((await next()) !== `open ${mark}`);
      talk.write(`begin ${mark} ${order.tty ? 'tty' : 'pipes'} 24 80\n${order.script}${mark}\n`)
      while ((await next()) !== 'ready');
      signal.removeEventListener('abort', onAbort)
      return sessionOver({ talk, lines, streams, mark, order, release })
    } catch (error) {
      release()
      throw error
    }
  }

  private take(key: string): number {
    const taken = this.taken.get(key) ?? new Set()
    const slot = slots().find((candidate) => !taken.has(candidate))
    if (slot === undefined)
      throw new BackendError('StartFailed', `${taken.size} commands run beside the task already, which is as many as a microVM takes`, true)
    this.taken.set(key, taken.add(slot))
    return slot
  }

  /** A slot is free again when QEMU has seen that its sockets are closed: else what comes next would be taken for what was before. */
  private async free({ key, ...guest }: Guest, slot: number): Promise<void> {
    const ports = [...portsOf(slot, true), ...portsOf(slot, false)]
    await untilPorts(guest, ports, false, AbortSignal.timeout(freeDeadlineMs)).catch(() => {})
    const taken = this.taken.get(key)
    taken?.delete(slot)
    if (taken?.size === 0) this.taken.delete(key)
  }
}

const portsOf = (slot: number, tty: boolean) => (tty ? ['talk', 'tty'] : ['talk', 'in', 'out', 'err']).map((port) => `${port}_${slot}`)

/** Resolves when QEMU has somebody at all of the ports, or at none. */
async function untilPorts(guest: Omit<Guest, 'key'>, ports: readonly string[], connected: boolean, signal: AbortSignal): Promise<void> {
  for (;;) {
    if (!(await guest.isRunning())) {
      if (connected) throw notRunning()
      return
    }
    const there = await guest.connectedPorts(signal).catch(() => undefined)
    signal.throwIfAborted()
    if (there && ports.every((port) => there.has(port) === connected)) return
    await sleep(systemClock, pollMs, signal)
  }
}

interface SessionParts {
  readonly talk: net.Socket
  readonly lines: AsyncIterator<string>
  /** The terminal, or input, output and errors. */
  readonly streams: readonly net.Socket[]
  readonly mark: string
  readonly order: SessionOrder
  readonly release: () => void
}

function sessionOver({ talk, lines, streams, mark, order, release }: SessionParts): ExecSession {
  const [first, second, third] = streams
  const input = first as net.Socket // there is one in either mode
  const stdout = (second ?? input).pipe(new UntilMark(mark))
  const stderr = third?.pipe(new UntilMark(mark))
  const ended = endOf(lines, [stdout, ...(stderr ? [stderr] : [])]).finally(release)
  ended.catch(() => {}) // nobody may be there to hear of it
  talk.once('close', () => {
    for (const socket of streams) socket.destroy()
    // What was not read yet still is; nothing more comes.
    for (const stream of [stdout, stderr]) stream?.end()
  })
  if (!order.stdin && !order.tty) input.end()
  return {
    ...(order.stdin ? { stdin: order.tty ? terminalInput(input) : input } : {}),
    stdout,
    ...(stderr ? { stderr } : {}),
    resize: ({ rows, columns }) => void talk.write(`size ${rows} ${columns}\n`),
    ended,
    hangUp: release,
  }
}

async function endOf(lines: AsyncIterator<string>, streams: readonly UntilMark[]): Promise<{ exitCode: number }> {
  const line = await lines.next()
  const code = line.done ? undefined : /^exit (\d{1,3})$/.exec(line.value)?.[1]
  await Promise.all(streams.map((stream) => finished(stream, { writable: false }).catch(() => {})))
  return { exitCode: code === undefined ? lostExitCode : Number(code) }
}

/** Ending it is a key that the terminal takes for the end; the terminal itself goes on. */
function terminalInput(terminal: net.Socket): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => void terminal.write(chunk, done),
    final: (done) => void terminal.write(endOfInput, done),
  }).on('error', () => {}) // whoever writes learns of it
}

/** A guest that has only just begun has no sockets yet. */
async function connectToGuest(guest: Guest, port: string, signal: AbortSignal): Promise<net.Socket> {
  for (;;) {
    try {
      return await connectUnix(path.join(guest.directory, socketName(port)), signal)
    } catch {
      signal.throwIfAborted()
      if (!(await guest.isRunning())) throw notRunning()
      await sleep(systemClock, pollMs, signal)
    }
  }
}

const notRunning = () => new BackendError('StartFailed', 'the task is not running', true)

async function* linesOf(socket: net.Socket): AsyncGenerator<string> {
  let held = ''
  try {
    for await (const chunk of socket) {
      held += (chunk as Buffer).toString()
      for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
        yield held.slice(0, end).trim()
        held = held.slice(end + 1)
      }
      if (held.length > 1024) return // no line of init.sh
    }
  } catch {
    // broken off: there are no more lines
  }
}
