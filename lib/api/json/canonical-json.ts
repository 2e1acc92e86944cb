import { printJson } from './print-json.js'

/** JSON on one line with sorted members, as Go's encoder writes it: `<`, `>` and `&` escaped. */
export function printCanonicalJson(value: unknown): string {
  return printJson(sortMembers(value)).replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The value with the members of all its objects in order of their names; those that are undefined are left out. */
export function sortMembers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sortMembers)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, sortMembers(member)]),
  )
}
