#!/usr/bin/env node
/** kubectl-lite: the client. This file alone reads the command line and the environment. */
import { homedir } from 'node:os'
import type { ByteIo } from './cli/io.js'
import { runCommand } from './cli/run-command.js'

function processIo(): ByteIo {
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
  const write = (chunk: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => (process.stdout.write(chunk) ? resolve() : process.stdout.once('drain', resolve)))
  return {
    out: write,
    outBytes: write,
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
}

process.exitCode = await runCommand(process.argv.slice(2), processIo())
