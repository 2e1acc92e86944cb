import type { Http2Session } from 'node:http2'

export interface KeepAliveOptions {
  /** Between pings, milliseconds. Default 15 s. */
  readonly intervalMs?: number
  /** How long an answer may take, milliseconds. Default 25 s: with the interval, a dead peer is found within 40 s. */
  readonly timeoutMs?: number
}

/** Pings the peer and destroys the session when it does not answer. Each side does this for itself. */
export function keepAlive(session: Http2Session, options: KeepAliveOptions = {}): void {
  const { intervalMs = 15_000, timeoutMs = 25_000 } = options
  let deadline: NodeJS.Timeout | undefined
  const pings = setInterval(() => {
    if (deadline !== undefined || session.destroyed) return
    deadline = setTimeout(() => session.destroy(new Error(`the other side has not answered a ping for ${timeoutMs} ms`)), timeoutMs).unref()
    session.ping((error) => {
      if (error) return
      clearTimeout(deadline)
      deadline = undefined
    })
  }, intervalMs).unref()
  session.once('close', () => {
    clearInterval(pings)
    clearTimeout(deadline)
  })
}
