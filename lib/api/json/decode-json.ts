/**
 * The one reader of JSON: a scan of the bytes (nesting, long numbers, member count) guards a plain `JSON.parse`; only where that would lose
 * something (integers beyond 2^53, duplicate fields) does the exact parser read the text again.
 *
 *     decodeJson(Buffer.from('{"spec":{"a":9007199254740993,"a":1}}'))   // { value: { spec: { a: 1 } }, duplicates: ['spec.a'] }
 */
import { isUtf8 } from 'node:buffer'
import { ApiError, badRequest } from '../api-error.js'
import { inspectValue } from './inspect-value.js'
import { parseExact } from './parse-exact.js'
import { maxValues, scanJson } from './scan-json.js'

export interface DecodedJson {
  /** Integers beyond 2^53 are bigint. */
  readonly value: unknown
  /** Paths of duplicate fields; the last one wins. */
  readonly duplicates: readonly string[]
}

/**
 * Throws BadRequest for what is no UTF-8, no JSON, nested too deep, or holds a forbidden key; RequestEntityTooLarge for too many values.
 */
export function decodeJson(bytes: Buffer): DecodedJson {
  if (!isUtf8(bytes)) throw badRequest('the body is not valid UTF-8')
  const scan = scanJson(bytes)
  if (scan.values > maxValues) throw new ApiError('RequestEntityTooLarge', `the body holds more than ${maxValues} members and items`)
  const text = bytes.toString('utf8')
  const value = parse(text)
  const members = inspectValue(value)
  if (!scan.longNumber && members === scan.members) return { value, duplicates: [] }
  return parseExact(text)
}

/** V8's message quotes the text, which may hold secrets: only the position is passed on. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1]
    throw badRequest(`the body is not valid JSON${position === undefined ? '' : ` (at position ${position})`}`)
  }
}
