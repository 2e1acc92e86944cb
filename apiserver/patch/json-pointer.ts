import { badRequest } from '../../lib/api/api-error.js'
import { assertSafeKey } from '../../lib/api/json/safe-key.js'
import { maxNesting } from '../../lib/api/json/scan-json.js'

/** The parts of a JSON pointer (RFC 6901). Throws BadRequest for what is none, or for a key that could reach a prototype. */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw badRequest(`the JSON pointer ${JSON.stringify(pointer)} must be empty or begin with /`)
  const parts = pointer.slice(1).split('/', maxNesting + 1)
  if (parts.length > maxNesting) throw badRequest(`the JSON pointer has more than ${maxNesting} parts`)
  return parts.map((part) => {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    assertSafeKey(key)
    return key
  })
}

/** The index that a pointer part names in a list; `-` is the end. Undefined when it names none. */
export function listIndex(part: string, length: number): number | undefined {
  if (part === '-') return length
  return /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : undefined
}
