/** JSON merge patches (RFC 7386), and kubectl's three-way form of them. */
import { sameValue } from '../../lib/api/json/same-value.js'

type Members = Record<string, unknown>

/** The patch that turns `from` into `to`; an empty object when they are equal. */
export function diffMerge(from: unknown, to: Members): Members {
  const before: Members = isMap(from) ? from : {}
  const patch: Members = {}
  for (const key of Object.keys(before)) if (!Object.hasOwn(to, key)) patch[key] = null
  for (const [key, value] of Object.entries(to)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (Object.hasOwn(before, key) && sameValue(old, value)) continue
    if (isMap(value) && isMap(old)) patch[key] = diffMerge(old, value)
    else patch[key] = value
  }
  return patch
}

/** `target` with the patch applied. */
export function applyMerge(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch
  const result: Members = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applyMerge(result[key], value)
  }
  return result
}

/**
 * What apply sends: fields that the manifest has and the live object has not, or has otherwise, are set; fields that the last manifest had
 * and this one has not are removed; whatever others set stays. Lists are values: they are replaced as a whole.
 */
export function threeWayMerge(last: Members | undefined, manifest: Members, live: Members): Members {
  const additions = withoutRemovals(diffMerge(live, manifest))
  const removals = onlyRemovals(diffMerge(last ?? {}, manifest), live)
  return joinPatches(removals, additions)
}

function withoutRemovals(patch: Members): Members {
  const kept: Members = {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) continue
    if (!isMap(value)) kept[key] = value
    else {
      const inner = withoutRemovals(value)
      if (Object.keys(inner).length > 0 || Object.keys(value).length === 0) kept[key] = inner
    }
  }
  return kept
}

/** Only what is there to be removed: a patch that removes nothing is no patch. */
function onlyRemovals(patch: Members, live: unknown): Members {
  const kept: Members = {}
  for (const [key, value] of Object.entries(patch)) {
    if (!isMap(live) || !Object.hasOwn(live, key)) continue
    if (value === null) kept[key] = null
    else if (isMap(value)) {
      const inner = onlyRemovals(value, live[key])
      if (Object.keys(inner).length > 0) kept[key] = inner
    }
  }
  return kept
}

function joinPatches(left: Members, right: Members): Members {
  const joined: Members = { ...left }
  for (const [key, value] of Object.entries(right)) {
    const before = joined[key]
    joined[key] = isMap(before) && isMap(value) ? joinPatches(before, value) : value
  }
  return joined
}

function isMap(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
