import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextRun, nextRuns } from './next-run.js'
import { parseSchedule } from './parse-schedule.js'
import { findTimeZone } from './time-zone.js'

const zoneOf = (name: string) => findTimeZone(name) ?? expect.unreachable(`no zone ${name}`)
const runsAfter = (text: string, zone: string, after: string, count: number) =>
  nextRuns(parseSchedule(text), zoneOf(zone), Date.parse(after), count).map((run) => new Date(run).toISOString().replace(':00.000Z', 'Z'))

describe('a schedule happens', () => {
  it.each<[string, string, string, string, string[]]>([
    ['in UTC', '30 2 * * *', 'UTC', '2026-01-01T02:30:00Z', ['2026-01-02T02:30Z', '2026-01-03T02:30Z']],
    ['at the end of a started minute', '* * * * *', 'UTC', '2026-01-01T02:30:00.001Z', ['2026-01-01T02:31Z']],
    ['not again at its own instant', '* * * * *', 'UTC', '2026-01-01T02:30:00Z', ['2026-01-01T02:31Z']],
    ['by the wall clock of its zone', '0 9 * * *', 'Asia/Kathmandu', '2026-01-01T00:00:00Z', ['2026-01-01T03:15Z', '2026-01-02T03:15Z']],
    ['on days of the month or of the week', '0 0 13 * fri', 'UTC', '2026-02-10T00:00:00Z', ['2026-02-13T00:00Z', '2026-02-20T00:00Z']],
    ['over the turn of a century', '0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', ['2104-02-29T00:00Z']],
    ['after a gap, once', '0,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:00Z']],
    [
      'once where the end of a gap is due too',
      '30 2,3 * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T01:00Z', '2026-03-29T01:30Z'],
    ],
    ['once in an hour that comes twice', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['not again, seen from its second time', '30 2 * * *', 'Europe/Berlin', '2026-10-25T01:15:00Z', ['2026-10-26T01:30Z']],
    ['every hour, across a gap', '30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', ['2026-03-29T00:30Z', '2026-03-29T01:30Z']],
    [
      'every hour, in one that comes twice',
      '30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T02:30Z'],
    ],
    ['after a midnight that does not exist', '@daily', 'Africa/Cairo', '2026-04-23T12:00:00Z', ['2026-04-23T22:00Z', '2026-04-24T21:00Z']],
    ['after a day that does not exist', '0 12 * * *', 'Pacific/Apia', '2011-12-29T23:00:00Z', ['2011-12-30T10:00Z', '2011-12-30T22:00Z']],
  ])('%s', (_name, text, zone, after, expected) => expect(runsAfter(text, zone, after, expected.length)).toEqual(expected))
})

/** Days around changes: forward and back, by an hour, half of one, two; at midnight, a minute after it, by a day. */
const windows = [
  ['UTC', '2026-03-29'],
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Antarctica/Troll', '2026-03-29'],
  ['Antarctica/Troll', '2026-10-25'],
  ['Africa/Cairo', '2026-04-24'],
  ['America/Sao_Paulo', '2018-02-18'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/St_Johns', '2010-03-14'],
  ['America/St_Johns', '2010-11-07'],
  ['Pacific/Apia', '2011-12-30'],
] as const

/** The readings of a wall clock in every minute from two days before to three days after, as another way of asking for them shows them. */
function readingsAround(zone: string, day: string) {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  const start = Date.parse(day) - 2 * 86_400_000
  return Array.from({ length: 5 * 1_440 }, (_each, minute) => {
    const instant = start + minute * 60_000
    return { instant, reading: Date.parse(`${clock.format(instant).replace(' ', 'T')}Z`) }
  })
}
const sampled = windows.map(([zone, day]) => ({ zone, minutes: readingsAround(zone, day) }))

interface Values {
  readonly minutes: number[]
  readonly hours: number[]
  readonly daysOfMonth: number[]
  readonly daysOfWeek: number[]
}
const listed = (values: number[]) => (values.length === 0 ? '*' : values.join(','))
const textOf = ({ minutes, hours, daysOfMonth, daysOfWeek }: Values) =>
  `${listed(minutes)} ${listed(hours)} ${listed(daysOfMonth)} * ${listed(daysOfWeek)}`

function shows({ minutes, hours, daysOfMonth, daysOfWeek }: Values, reading: number): boolean {
  const date = new Date(reading)
  const [inMonth, inWeek] = [daysOfMonth.includes(date.getUTCDate()), daysOfWeek.includes(date.getUTCDay())]
  const isDay =
    daysOfMonth.length > 0 && daysOfWeek.length > 0
      ? inMonth || inWeek
      : (daysOfMonth.length === 0 || inMonth) && (daysOfWeek.length === 0 || inWeek)
  const isHour = hours.length === 0 || hours.includes(date.getUTCHours())
  return isDay && isHour && (minutes.length === 0 || minutes.includes(date.getUTCMinutes()))
}

/** Minute by minute, by the words of next-run.ts. */
function bruteRuns(values: Values, minutes: readonly { instant: number; reading: number }[]): number[] {
  const followsTheClock = values.hours.length === 0 || new Set(values.hours).size === 24
  let latest = Number.NEGATIVE_INFINITY
  return minutes.flatMap(({ instant, reading }) => {
    const readings: number[] = []
    if (followsTheClock) readings.push(reading)
    else for (let each = Number.isFinite(latest) ? latest + 60_000 : reading; each <= reading; each += 60_000) readings.push(each)
    latest = Math.max(latest, reading)
    return readings.some((each) => shows(values, each)) ? [instant] : []
  })
}

describe('beside a search minute by minute', () => {
  const some = (values: fc.Arbitrary<number>, maxLength: number) => fc.oneof(fc.constant<number[]>([]), fc.array(values, { maxLength }))
  const values: fc.Arbitrary<Values> = fc.record({
    minutes: some(fc.nat(59), 3),
    hours: fc.oneof(some(fc.nat(4), 3), some(fc.nat(23), 3)),
    daysOfMonth: some(fc.integer({ min: 1, max: 31 }), 8),
    daysOfWeek: some(fc.nat(6), 3),
  })

  it.each(sampled)('nothing comes twice, late or too early in $zone', ({ zone, minutes }) => {
    const timeZone = zoneOf(zone)
    const [first, last] = [minutes[1_440]?.instant ?? 0, minutes.at(-1)?.instant ?? 0]
    fc.assert(
      fc.property(values, fc.integer({ min: first, max: last }), (chosen, after) => {
        const schedule = parseSchedule(textOf(chosen))
        const expected = bruteRuns(chosen, minutes).filter((instant) => instant > after)
        const found = nextRuns(schedule, timeZone, after, Math.min(expected.length, 200))
        expect(found).toEqual(expected.slice(0, 200))
        const beyond = expected.length < 200 ? nextRun(schedule, timeZone, expected.at(-1) ?? after) : undefined
        expect(beyond === undefined || beyond > last).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
