import { sourceOf } from '../../lib/stream/source-of.js'

export interface WaitingRoomLimits {
  /** Connections that have not logged in yet, of everybody. */
  readonly total: number
  /** Of one address (IPv6: of one /64). */
  readonly perAddress: number
}

/**
 * Holds those who have not logged in yet, in bounds. When it is full the newcomer comes in and another one has to go: the one that has
 * waited longest, of the newcomer's own address or of the address that has most. So who floods pushes out its own.
 */
export class WaitingRoom {
  /** By address, in the order in which they came. */
  readonly #waiting = new Map<string, Set<() => void>>()
  #size = 0

  constructor(private readonly limits: WaitingRoomLimits) {}

  get size(): number {
    return this.#size
  }

  /** `sendAway` ends a connection. Returns how it leaves, logged in or gone. */
  enter(remoteAddress: string, sendAway: () => void): () => void {
    const address = sourceOf(remoteAddress)
    if ((this.#waiting.get(address)?.size ?? 0) >= this.limits.perAddress) this.#sendOneAway(address)
    else if (this.#size >= this.limits.total) this.#sendOneAway(this.#mostCrowded())
    const own = this.#waiting.get(address) ?? new Set()
    this.#waiting.set(address, own)
    own.add(sendAway)
    this.#size++
    return () => this.#leave(address, sendAway)
  }

  #sendOneAway(address: string): void {
    const [oldest] = this.#waiting.get(address) ?? []
    if (!oldest) return
    this.#leave(address, oldest)
    oldest()
  }

  #leave(address: string, sendAway: () => void): void {
    const own = this.#waiting.get(address)
    if (!own?.delete(sendAway)) return
    this.#size--
    if (own.size === 0) this.#waiting.delete(address)
  }

  #mostCrowded(): string {
    let found = ''
    let most = 0
    for (const [address, { size }] of this.#waiting)
      if (size > most) {
        found = address
        most = size
      }
    return found
  }
}
