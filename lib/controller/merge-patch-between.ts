import { sameValue } from '../api/json/same-value.js'

type Members = Record<string, unknown>

/** The JSON merge patch (RFC 7386) that turns `before` into `after`; undefined when they are equal. Lists are replaced whole. */
export function mergePatchBetween(before: object, after: object): Members | undefined {
  const patch: Members = {}
  const old = before as Members
  const next = after as Members
  for (const key of Object.keys(old)) if (old[key] !== undefined && next[key] === undefined) patch[key] = null
  for (const [key, value] of Object.entries(next)) {
    if (value === undefined || sameValue(value, old[key])) continue
    const previous = old[key]
    patch[key] = isMap(previous) && isMap(value) ? mergePatchBetween(previous, value) : value
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

function isMap(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
