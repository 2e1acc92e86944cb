import { sourceOf } from '../../lib/stream/source-of.js'

export interface PlaceLimits {
  /** Of one Tunnel at once; by udp, peers. */
  readonly total: number
  /** Of one address (IPv6: of one /64), so that no stranger takes them all. */
  readonly perAddress: number
}

/** The places of a Tunnel for connections, wherever they came in. */
export class Places {
  readonly #taken = new Map<string, number>()
  #size = 0

  constructor(readonly limits: PlaceLimits) {}

  /** Takes one; `leave` gives it back. Without one, `refusal` is a sentence that names nobody. */
  take(address: string): { readonly leave: () => void } | { readonly refusal: string } {
    const source = sourceOf(address)
    const own = this.#taken.get(source) ?? 0
    const { total, perAddress } = this.limits
    if (this.#size >= total) return { refusal: tooMany(total) }
    if (own >= perAddress) return { refusal: tooManyOfOne(perAddress) }
    this.#taken.set(source, own + 1)
    this.#size++
    let left = false
    return {
      leave: () => {
        if (left) return
        left = true
        this.#size--
        const others = (this.#taken.get(source) ?? 1) - 1
        if (others > 0) this.#taken.set(source, others)
        else this.#taken.delete(source)
      },
    }
  }
}

export const tooMany = (total: number) => `the tunnel has ${total} connections already, and takes no more`
export const tooManyOfOne = (perAddress: number) => `an address has ${perAddress} connections of the tunnel already, and gets no more`
