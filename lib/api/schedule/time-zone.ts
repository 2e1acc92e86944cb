/** A zone of the tz database: how far its wall clocks are from UTC, and where they are changed. */
export interface TimeZone {
  readonly name: string
  /** What the wall clocks show at this instant, less the instant. */
  offsetMs(instantMs: number): number
}

const utc: TimeZone = { name: 'UTC', offsetMs: () => 0 }

/** Names of the tz database have letters first; offsets and `Local` are none. */
const zoneName = /^[A-Za-z][A-Za-z0-9]*([_/+-][A-Za-z0-9]+)*$/
const maxNameLength = 64

/** The zone of this name, as `Europe/Berlin`; undefined when there is none. */
export function findTimeZone(name: string): TimeZone | undefined {
  if (name === 'UTC') return utc
  if (name.length > maxNameLength || !zoneName.test(name)) return undefined
  let wallClock: Intl.DateTimeFormat
  try {
    wallClock = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
  return {
    name,
    offsetMs(instantMs) {
      const whole = Math.floor(instantMs / 1000) * 1000
      const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = (wallClock.format(whole).match(/\d+/g) ?? []).map(Number)
      return Date.UTC(year, month - 1, day, hour, minute, second) - whole
    },
  }
}

/** The first instant after `fromMs` and up to `toMs` at which the offset is another; there is at most one between the two. */
export function findChange(zone: TimeZone, fromMs: number, toMs: number): number | undefined {
  const before = zone.offsetMs(fromMs)
  if (zone.offsetMs(toMs) === before) return undefined
  let [same, other] = [fromMs, toMs]
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (zone.offsetMs(middle) === before) same = middle
    else other = middle
  }
  return other
}
