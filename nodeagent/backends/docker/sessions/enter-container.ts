import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { findScript } from '../../find-script.js'

/** Where helpers find what they are run by. */
export const searchPath = '/usr/local/bin:/usr/bin:/bin'

/**
 * Runs a script of ours that goes inside of a container (needs root), and resolves with its input and output as one stream once it has said
 * `connected`. What it says instead, or why it was broken off, is the reason that it rejects with.
 */
export function enterContainer(
  script: string,
  args: readonly string[],
  failure: (why: string) => Error,
  signal: AbortSignal,
): Promise<Duplex> {
  const helper = spawn('perl', [findScript(script), ...args], { cwd: '/', env: { PATH: searchPath }, stdio: ['pipe', 'pipe', 'ignore'] })
  const stdout = helper.stdout as Socket
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      helper.kill('SIGKILL')
      reject(failure(why))
    }
    const onAbort = () => fail('nobody waits for it any more')
    const onClose = () => fail('it was broken off')
    signal.addEventListener('abort', onAbort, { once: true })
    helper.once('error', (error) => fail(error.message))
    helper.stdin.on('error', () => {}) // the duplex learns of it
    let said = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      said = Buffer.concat([said, chunk])
      const end = said.indexOf(10)
      if (end < 0) return
      stdout.off('data', onData).off('close', onClose).pause()
      signal.removeEventListener('abort', onAbort)
      const line = said.toString('utf8', 0, end)
      if (line !== 'connected') return fail(line)
      if (said.length > end + 1) stdout.unshift(said.subarray(end + 1))
      resolve(overHelper(helper))
    }
    stdout.on('data', onData)
    stdout.once('close', onClose)
  })
}

/** The helper's input and output as one stream. */
function overHelper(helper: ChildProcess): Duplex {
  const { stdin, stdout } = helper
  if (!stdin || !stdout) throw new Error('the helper has no pipes')
  const duplex = Duplex.from({ readable: stdout, writable: stdin })
  duplex.on('error', () => {}) // who reads or writes learns of it
  duplex.once('close', () => helper.kill('SIGKILL'))
  return duplex
}
