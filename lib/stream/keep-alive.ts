import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { startWatchdog, type Watchdog } from '../base/watchdog.js'

export interface KeepAliveOptions {
  /** Between pings, milliseconds. Default 15 s. */
  readonly intervalMs?: number
  /** How long an answer may take, milliseconds. Default 25 s: with the interval, a dead peer is found within 40 s. */
  readonly timeoutMs?: number
}

/**
 * Pings the peer and destroys the session when it does not answer. A session that has ended in order waits for
 * the peer to close the connection as well: one that keeps it has it until the next ping would go. Each side does
 * this for itself.
 */
export function keepAlive(session: Http2Session, connection: Duplex, options: KeepAliveOptions = {}): void {
  const { intervalMs = 15_000, timeoutMs = 25_000 } = options
  let deadline: Watchdog | undefined
  const pings = setInterval(() => {
    if (session.destroyed) return void connection.destroy()
    if (deadline !== undefined) return
    deadline = startWatchdog(timeoutMs, () => session.destroy(new Error(`the other side has not answered a ping for ${timeoutMs} ms`)))
    session.ping((error) => {
      if (error) return
      deadline?.stop()
      deadline = undefined
    })
  }, intervalMs).unref()
  session.once('close', () => {
    clearInterval(pings)
    deadline?.stop()
  })
}
