import { badRequest } from '../../lib/api/api-error.js'
import { parseSeconds } from './wire/query-values.js'

/**
 * How long the client waits for the answer to begin: its `timeout` (`kubectl --request-timeout`), and for a list its `timeoutSeconds`, but
 * never longer than the server does. Throws BadRequest for values that cannot be read.
 */
export function answerDeadlineMs(query: URLSearchParams, verb: string, longestMs: number): number {
  if (query.size === 0) return longestMs
  const asked = [parseDurationMs(query.get('timeout')), verb === 'list' ? (parseSeconds(query, 'timeoutSeconds') ?? 0) * 1000 : 0]
  return Math.min(longestMs, ...asked.filter((milliseconds) => milliseconds > 0))
}

const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A duration as Go writes it: `1m30s`. 0 stands for none. */
function parseDurationMs(text: string | null): number {
  if (text === null || text === '' || text === '0') return 0
  if (text.length > 40 || !/^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw badRequest(`timeout: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a duration, as 1m30s`)
  let sum = 0
  for (const [, amount, unit = ''] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g)) sum += Number(amount) * (unitMs[unit] ?? 0)
  return sum
}
