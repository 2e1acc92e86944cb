import type { TimeZone } from '../../lib/api/schedule/time-zone.js'
import { shortDuration } from '../../lib/api/short-duration.js'

/** `Sun 2026-03-29 03:00 (in 5h)`, as the wall clocks there show it. */
export function printTime(timeMs: number, zone: TimeZone, nowMs: number): string {
  const shown = new Date(timeMs + zone.offsetMs(timeMs))
  const day = shown.toUTCString().slice(0, 3)
  const distance = shortDuration(Math.abs(timeMs - nowMs))
  return `${day} ${shown.toISOString().slice(0, 16).replace('T', ' ')} (${timeMs > nowMs ? `in ${distance}` : `${distance} ago`})`
}
