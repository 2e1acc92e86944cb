#!/usr/bin/env node
/** kubectl-lite: the client. This file alone reads the command line and the environment. */
import { homedir } from 'node:os'
import type { ReadStream, WriteStream } from 'node:tty'
import type { ByteIo, InputTerminal } from './cli/io.js'
import { runCommand } from './cli/run-command.js'

function processIo(): { readonly io: ByteIo; close(): void } {
  let readsInput = false
  const interrupted = new AbortController()
  const onSignal = (): void => {
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort(new Error('interrupted'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // `kubectl-lite get tasks | head -1`: the reader has enough, and that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`error: standard output cannot be written: ${error.message}\n`)
    process.exit(1)
  })
  const writeTo =
    (stream: NodeJS.WriteStream) =>
    (chunk: string | Uint8Array): Promise<void> =>
      new Promise((resolve) => (stream.write(chunk) ? resolve() : stream.once('drain', resolve)))
  const write = writeTo(process.stdout)
  const io: ByteIo = {
    out: write,
    outBytes: write,
    errBytes: writeTo(process.stderr),
    inputBytes() {
      readsInput = true
      return process.stdin
    },
    get inputTerminal() {
      return process.stdin.isTTY ? terminalOf(process.stdin, process.stdout) : undefined
    },
    err: (text) => void process.stderr.write(text),
    async readInput() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString('utf8')
    },
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    terminal: process.stdout.isTTY === true,
    signal: interrupted.signal,
    now: () => Date.now(),
  }
  return {
    io,
    close() {
      // What nobody will read any more shall not hold the process.
      if (readsInput) process.stdin.destroy()
    },
  }
}

function terminalOf(keys: ReadStream, screen: WriteStream): InputTerminal {
  return {
    raw() {
      keys.setRawMode(true)
      return () => keys.setRawMode(false)
    },
    size: () => ({ rows: screen.rows ?? 24, columns: screen.columns ?? 80 }),
    onResize(listener) {
      screen.on('resize', listener)
      return () => screen.off('resize', listener)
    },
  }
}

const { io, close } = processIo()
process.exitCode = await runCommand(process.argv.slice(2), io)
close()
