import { badRequest } from '../api-error.js'
import { assertSafeKey } from './safe-key.js'
import { maxNesting } from './scan-json.js'

/**
 * Walks a decoded value: counts the members of all objects, refuses forbidden keys, numbers that are not finite and (for values that came
 * from YAML aliases) nesting beyond maxNesting.
 */
export function inspectValue(value: unknown): number {
  return inspect(value, 0)
}

function inspect(value: unknown, depth: number): number {
  if (typeof value === 'number' && !Number.isFinite(value)) throw badRequest('the body holds a number that is too large')
  if (typeof value !== 'object' || value === null) return 0
  if (depth >= maxNesting) throw badRequest(`the body nests deeper than ${maxNesting} levels`)
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += inspect(item, depth + 1)
    return members
  }
  for (const key in value) {
    assertSafeKey(key)
    members += 1 + inspect((value as Record<string, unknown>)[key], depth + 1)
  }
  return members
}
