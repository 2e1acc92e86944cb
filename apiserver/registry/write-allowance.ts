import { tooManyRequests } from '../../lib/api/api-error.js'
import type { Clock } from '../../lib/base/clock.js'
import { TokenBucket } from '../../lib/base/token-bucket.js'
import { mastersGroup, nodeNameOf, type UserInfo } from '../auth/user.js'

/** So much at once, then so much a second. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface WriteRates {
  /** Stored bytes. Absent: without bounds. */
  readonly bytes?: Rate
  /** Writes of Events. */
  readonly events: Rate
}

const mebibyte = 1024 * 1024

/** What each identity of a sort may write. */
const defaultWriteRates = {
  node: { bytes: { burst: 64 * mebibyte, perSecond: mebibyte / 4 }, events: { burst: 500, perSecond: 20 } },
  program: { events: { burst: 2_000, perSecond: 100 } },
  other: { bytes: { burst: 256 * mebibyte, perSecond: mebibyte }, events: { burst: 500, perSecond: 20 } },
} as const satisfies Record<string, WriteRates>

/** The cluster's own programs write as much as there is work. */
const programs: ReadonlySet<string> = new Set(['system:scheduler', 'system:controller-manager', 'system:gateway'])

/** More identities than this are not remembered: the one that was known first begins anew. */
const maxRemembered = 10_000

/**
 * Bounds how fast one identity can fill the store, so that a hostile node or a program that runs wild hurts itself alone. What was written
 * is paid afterwards: whoever owes waits. system:masters never do.
 */
export class WriteAllowance {
  readonly #accounts = new Map<string, Account>()

  constructor(
    private readonly clock: Clock,
    private readonly rates: Readonly<Record<'node' | 'program' | 'other', WriteRates>> = defaultWriteRates,
  ) {}

  /** The account to charge; undefined for who has no bounds. */
  accountOf(user: UserInfo): Account | undefined {
    if (user.groups.includes(mastersGroup)) return undefined
    const known = this.#accounts.get(user.name)
    if (known) return known
    const sort = nodeNameOf(user) !== undefined ? 'node' : programs.has(user.name) ? 'program' : 'other'
    const account = new Account(this.clock, this.rates[sort])
    if (this.#accounts.size >= maxRemembered) this.#accounts.delete(this.#accounts.keys().next().value as string)
    this.#accounts.set(user.name, account)
    return account
  }
}

/** What one identity has written, and owes. */
export class Account {
  readonly #bytes: TokenBucket | undefined
  readonly #events: TokenBucket

  constructor(clock: Clock, rates: WriteRates) {
    this.#bytes = rates.bytes && new TokenBucket({ clock, ...rates.bytes })
    this.#events = new TokenBucket({ clock, ...rates.events })
  }

  /** Throws TooManyRequests while the identity owes. A write of an Event is paid here. */
  admit(isEvent: boolean): void {
    const dueMs = this.#bytes?.reserve(0) ?? 0
    if (dueMs > 0) throw tooManyRequests('you have written very much; please go on more slowly', seconds(dueMs))
    if (isEvent && !this.#events.tryTake())
      throw tooManyRequests('you have written very many events; please go on more slowly', seconds(this.#events.untilNextMs))
  }

  charge(bytes: number): void {
    this.#bytes?.reserve(bytes)
  }
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))
