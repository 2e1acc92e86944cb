import type { Socket } from 'node:net'
import { type BackoffOptions, backoffDelayMs } from '../base/backoff.js'
import { sleep, systemClock } from '../base/clock.js'
import { keepIdle } from './data-connection.js'

export interface SpareDataOptions {
  /** Dials the one of that number. */
  readonly dial: (id: string) => Promise<Socket>
  /** Between tries that fail. */
  readonly backoff: BackoffOptions
  /** Ends them all. */
  readonly signal: AbortSignal
}

/**
 * So many are dialled ahead at first, and later as many as have been in use at once, up to
 * the most. Each that is taken is followed by another at once.
 */
const spareConnections = { first: 2, most: 8 }

interface Spare {
  readonly dialled: Promise<() => Socket>
  /** Tells who keeps it that it is taken. */
  onTaken(): void
}

/** Data connections at the side that answers: dialled before they are asked for, so that no stream waits for a handshake. */
export class SpareData {
  readonly #spare = new Map<string, Spare>()
  #dialled = 0
  #kept = 0
  #inUse = 0

  constructor(private readonly options: SpareDataOptions) {
    this.#keep(spareConnections.first)
  }

  /** Each serves once; the server may ask for one before its answer to the dialling is here. Undefined: there is none of that number. */
  async take(id: string): Promise<Socket | undefined> {
    const spare = this.#spare.get(id)
    if (!this.#spare.delete(id)) return undefined
    spare?.onTaken()
    const socket = (await spare?.dialled.catch(() => undefined))?.()
    if (!socket || socket.destroyed) return socket
    this.#inUse++
    socket.once('close', () => this.#inUse--)
    this.#keep(Math.min(this.#inUse, spareConnections.most))
    return socket
  }

  #keep(count: number): void {
    for (; this.#kept < count; this.#kept++) void this.#keepOne()
  }

  /** Never rejects. */
  async #keepOne(): Promise<void> {
    const { backoff, signal } = this.options
    let failures = 0
    while (!signal.aborted) {
      const id = String(++this.#dialled)
      const isTaken = await this.#untilTaken(id)
      this.#spare.delete(id)
      failures = isTaken ? 0 : failures + 1
      // The signal alone rejects the sleep, and the loop looks at it.
      if (!isTaken) await sleep(systemClock, backoffDelayMs(failures - 1, backoff), signal).catch(() => {})
    }
  }

  /** Resolves with false when it could not be dialled, or has ended before. */
  #untilTaken(id: string): Promise<boolean> {
    const { dial, signal } = this.options
    return new Promise((resolve) => {
      const dialled = dial(id).then((socket) => {
        const end = () => socket.destroy()
        signal.addEventListener('abort', end, { once: true })
        socket.once('close', () => signal.removeEventListener('abort', end))
        if (signal.aborted) end()
        return keepIdle(socket, () => resolve(false))
      })
      dialled.catch(() => resolve(false))
      this.#spare.set(id, { dialled, onTaken: () => resolve(true) })
    })
  }
}
