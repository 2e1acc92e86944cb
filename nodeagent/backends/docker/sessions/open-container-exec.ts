import { type Duplex, PassThrough, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { writeChunk } from '../../../../lib/stream/write-chunk.js'
import { BackendError } from '../../backend.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import type { Engine } from '../engine/engine.js'
import { sayingOf, statusOf } from '../engine/engine-refusal.js'
import { signalExec } from './signal-exec.js'

const headerBytes = 8
const graceMs = 10_000
/** The engine ends the stream a moment before it knows the exit code. */
const exitCodeWithinMs = 10_000

/** Runs a command in a container for somebody who looks on. */
export async function openContainerExec(
  engine: Engine,
  container: Docker.Container,
  { command, stdin, tty, environment = {} }: ExecOrder,
  signal: AbortSignal,
): Promise<ExecSession> {
  const exec = await createExec(
    engine,
    container,
    {
      Cmd: [...command],
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
    },
    signal,
  )
  let socket: Duplex
  try {
    socket = (await engine.call(signal, (options) => exec.start({ hijack: true, stdin, Tty: tty, ...options }))) as Duplex
  } catch (error) {
    if (statusOf(error) === 400) return neverRan(sayingOf(error), tty)
    throw error
  }
  socket.on('error', () => {}) // whoever reads or writes learns of it
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const said = tty ? copy(socket, stdout) : split(socket, stdout, stderr)
  let isOver = false
  const ended = said
    .then(async () => ({ exitCode: await exitCodeOf(exec, engine) }))
    .finally(() => {
      isOver = true
      socket.destroy()
    })
  ended.catch(() => {}) // nobody may be there to hear of it
  let resized: Promise<unknown> = Promise.resolve()
  let hungUp = false
  return {
    ...(stdin ? { stdin: socket } : {}),
    stdout,
    ...(tty ? {} : { stderr }),
    resize({ rows, columns }) {
      // One after the other: the last one counts.
      const wanted = { h: rows, w: columns, abortSignal: AbortSignal.timeout(graceMs) }
      resized = resized.then(() => exec.resize(wanted)).catch(() => {})
    },
    ended,
    hangUp() {
      if (hungUp || isOver) return
      hungUp = true
      for (const stream of [socket, stdout, stderr]) stream.destroy()
      void end(exec, container).catch(() => {})
    },
  }
}

async function createExec(
  engine: Engine,
  container: Docker.Container,
  wanted: Docker.ExecCreateOptions,
  signal: AbortSignal,
): Promise<Docker.Exec> {
  try {
    return await engine.call(signal, (options) => container.exec({ ...wanted, ...options }))
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409)
      throw new BackendError('StartFailed', `the task is not running: ${sayingOf(error)}`, true, { cause: error })
    throw error
  }
}

async function copy(from: Readable, to: PassThrough): Promise<void> {
  try {
    for await (const chunk of from) await writeChunk(to, chunk)
    to.end()
  } catch (error) {
    to.destroy(error as Error)
    throw error
  }
}

/** The engine's frames: a stream's number, 3 zero bytes, 4 bytes of length, the bytes. */
async function split(from: Readable, stdout: PassThrough, stderr: PassThrough): Promise<void> {
  let to = stdout
  let left = 0
  let held: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
      while (held.length > 0) {
        if (left === 0) {
          if (held.length < headerBytes) break
          to = held[0] === 2 ? stderr : stdout
          left = held.readUInt32BE(4)
          held = held.subarray(headerBytes)
          continue
        }
        const piece = held.subarray(0, left)
        held = held.subarray(piece.length)
        left -= piece.length
        await writeChunk(to, piece)
      }
    }
    stdout.end()
    stderr.end()
  } catch (error) {
    for (const stream of [stdout, stderr]) stream.destroy(error as Error)
    throw error
  }
}

async function exitCodeOf(exec: Docker.Exec, engine: Engine): Promise<number> {
  const signal = AbortSignal.timeout(exitCodeWithinMs)
  for (;;) {
    const { Running, ExitCode } = await engine.call(signal, (options) => exec.inspect(options))
    if (!Running) return ExitCode ?? 0
    await sleep(systemClock, 50, signal)
  }
}

/** The engine says so when it cannot run the command at all; the caller sees what a shell would show. */
function neverRan(message: string, tty: boolean): ExecSession {
  const said = new PassThrough().end(`${message}\n`)
  const streams = tty ? { stdout: said } : { stdout: new PassThrough().end(), stderr: said }
  return { ...streams, resize() {}, ended: Promise.resolve({ exitCode: 127 }), hangUp() {} }
}

async function end(exec: Docker.Exec, container: Docker.Container): Promise<void> {
  if (!(await surely(() => signalExec(exec, container, 'SIGHUP')))) return
  await sleep(systemClock, graceMs)
  await surely(() => signalExec(exec, container, 'SIGKILL'))
}

/** A busy engine is asked again, for a minute: what nobody ends goes on for as long as its container. */
async function surely<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = attempts; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left <= 1) throw error
      await sleep(systemClock, pauseMs)
    }
  }
}
const attempts = 12
const pauseMs = 1_000
