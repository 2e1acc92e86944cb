import type { Vps } from '../../lib/api/kinds/vps.js'
import type { Clock } from '../../lib/base/clock.js'
import { TokenBucket } from '../../lib/base/token-bucket.js'
import type { EventRecorder } from '../../lib/client/events/event-recorder.js'

export interface LoginRecorder {
  /** `key`: type and fingerprint. */
  accepted(vps: Vps, key: string, address: string): void
  /** `keys`: types by fingerprint. Without a Vps nobody can be told: it is counted. */
  refused(vps: Vps | undefined, keys: ReadonlyMap<string, string>, address: string): void
}

export interface LoginRecorderOptions {
  readonly clock: Clock
  /** Two, so that refusals, which anybody can cause, use up nothing of what tells of logins. */
  readonly events: { readonly accepted: EventRecorder; readonly refused: EventRecorder }
  readonly count: (result: 'accepted' | 'refused' | 'unknown') => void
}

/** So many refusals of one Vps are told each by itself; the others are counted on one Event. */
const inDetail = { burst: 10, perSecond: 1 / 120 }
const maxRemembered = 4096
const maxKeysNamed = 3

export function createLoginRecorder({ clock, events, count }: LoginRecorderOptions): LoginRecorder {
  const rates = new Map<string, TokenBucket>()

  const isTold = ({ metadata: { uid } }: Vps): boolean => {
    const rate = rates.get(uid) ?? new TokenBucket({ clock, ...inDetail })
    rates.delete(uid)
    rates.set(uid, rate)
    const [oldest] = rates.keys()
    if (rates.size > maxRemembered && oldest !== undefined) rates.delete(oldest)
    return rate.tryTake()
  }

  return {
    accepted(vps, key, address) {
      count('accepted')
      events.accepted.record(subjectOf(vps), 'Normal', 'SSHLogin', `logged in from ${address} with ${key}`)
    },
    refused(vps, keys, address) {
      count(vps ? 'refused' : 'unknown')
      if (!vps) return
      const message = isTold(vps)
        ? `from ${address} with ${printKeys(keys)}: none of the keys of this Vps`
        : 'further logins with keys that are none of this Vps'
      events.refused.record(subjectOf(vps), 'Warning', 'SSHLoginRefused', message)
    },
  }
}

function printKeys(keys: ReadonlyMap<string, string>): string {
  const named = [...keys].slice(0, maxKeysNamed).map(([fingerprint, type]) => `${type} ${fingerprint}`)
  return [...named, ...(keys.size > maxKeysNamed ? [`${keys.size - maxKeysNamed} more`] : [])].join(', ')
}

const subjectOf = ({ apiVersion, kind, metadata }: Vps) => ({ apiVersion, kind, metadata })
