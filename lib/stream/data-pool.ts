import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { dataProtocol, keepIdle } from './data-connection.js'
import { StreamError } from './stream-error.js'

/** More at once are not kept; an agent dials fewer. */
const maxIdle = 16
/** So long a stream waits for one, milliseconds. */
const timeoutMs = 30_000

export interface TakenData {
  readonly id: string
  readonly socket: Socket
}

/** The data connections that belong to one connection of a node, at the side that asks. */
export class DataPool {
  /** What the agent shows when it dials one. */
  readonly key = randomBytes(16).toString('base64url')
  readonly #idle = new Map<string, () => Socket>()
  readonly #waiting = new Set<(taken: TakenData | undefined) => void>()
  #closed = false

  /** Completes the upgrade; false when it is not wanted. */
  add(id: string, socket: Socket): boolean {
    if (this.#closed || this.#idle.has(id) || this.#idle.size >= maxIdle) return false
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${dataProtocol}\r\n\r\n`)
    const take = keepIdle(socket, () => this.#idle.delete(id))
    const [first] = this.#waiting
    if (first) first({ id, socket: take() })
    else this.#idle.set(id, take)
    return true
  }

  /** Takes one, or waits for one to be dialled. Rejects with StreamError, or with the signal's reason. */
  take(signal?: AbortSignal): Promise<TakenData> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#closed) return reject(new StreamError('the connection of the node is closed'))
      for (const [id, take] of this.#idle) {
        this.#idle.delete(id)
        return resolve({ id, socket: take() })
      }
      const settle = (taken: TakenData | undefined, why?: unknown) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.delete(settle)
        if (taken) resolve(taken)
        else reject(why ?? new StreamError('the connection of the node was cut before it dialled one for data'))
      }
      const onAbort = () => settle(undefined, signal?.reason)
      const timer = setTimeout(
        () => settle(undefined, new StreamError(`the node has dialled none for data for ${timeoutMs} ms`)),
        timeoutMs,
      )
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(settle)
    })
  }

  /** The connection that they belong to has ended. */
  close(): void {
    this.#closed = true
    for (const take of this.#idle.values()) take().destroy()
    this.#idle.clear()
    for (const settle of [...this.#waiting]) settle(undefined)
  }
}
