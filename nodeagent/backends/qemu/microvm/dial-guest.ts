import { Duplex } from 'node:stream'
import { BackendError } from '../../backend.js'
import { NotListening } from '../../connect-to.js'
import type { Guest, GuestSessions } from './guest-sessions.js'

const nothingListens = 111

/**
 * Connects to a TCP port that something in the guest listens on, from inside of
 * it: nothing on the node leads there. Rejects with NotListening.
 */
export async function dialGuest(sessions: GuestSessions, guest: Guest, port: number, signal: AbortSignal): Promise<Duplex> {
  const session = await sessions.open(guest, { script: dialScript(port), stdin: true, tty: false }, signal)
  const { stdin, stdout, stderr } = session
  if (!stdin || !stderr) throw new Error('a session without a terminal has an input and errors')
  const connected = new Promise<boolean>((resolve) => {
    stderr.once('data', () => resolve(true))
    stderr.once('end', () => resolve(false))
  })
  if (!(await connected)) {
    stdout.resume()
    const { exitCode } = await session.ended
    if (exitCode === nothingListens) throw new NotListening(`nothing of the task listens on port ${port}`)
    throw new BackendError('StartFailed', 'the task is not running', true)
  }
  stderr.resume()
  const duplex = Duplex.from({ readable: stdout, writable: stdin })
  duplex.on('error', () => {}) // who reads or writes learns of it
  duplex.once('close', () => session.hangUp())
  return duplex
}

/** Says a word on its errors once it is about to connect. */
function dialScript(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return [
    `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':${hex} 0*:0000 0A' || exit ${nothingListens}`,
    'echo connecting >&2',
    `exec nc 127.0.0.1 ${port}`,
    '',
  ].join('\n')
}
