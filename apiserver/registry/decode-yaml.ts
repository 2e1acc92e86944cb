import { isUtf8 } from 'node:buffer'
import { isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml'
import { ApiError, badRequest } from '../../lib/api/api-error.js'
import { printFieldPath } from '../../lib/api/json/field-path.js'
import { inspectValue } from '../../lib/api/json/inspect-value.js'
import { maxNesting } from '../../lib/api/json/scan-json.js'
import { hasComplexKey } from '../../lib/api/yaml-keys.js'
import { isYamlTooDeep } from '../../lib/api/yaml-nesting.js'
import type { DecodedBody } from './registry.js'

/** Parsing YAML blocks the loop for up to ten milliseconds per KB: what is larger is the client's to turn into JSON. */
const maxYamlBytes = 8 * 1024

/** Decodes one YAML document. Throws ApiErrors: 400, 413. */
export function decodeYaml(bytes: Buffer): DecodedBody {
  if (bytes.length > maxYamlBytes)
    throw new ApiError('RequestEntityTooLarge', `a YAML body may have at most ${maxYamlBytes} bytes; send larger objects as JSON`)
  if (!isUtf8(bytes)) throw badRequest('the body is not valid UTF-8')
  const text = bytes.toString('utf8')
  if (isYamlTooDeep(text)) throw badRequest(`the body nests deeper than ${maxNesting} levels`)
  const { contents, value } = parse(text)
  inspectValue(value)
  return { value, duplicates: duplicatePaths(contents) }
}

/** The parser's messages quote the text, which may hold secrets: only the place and the kind of error are passed on. */
function parse(text: string): { contents: unknown; value: unknown } {
  const longNumbers = /\d{16}/.test(text)
  const document = parseDocument(text, { ...jsonValuesOnly, uniqueKeys: false, intAsBigInt: longNumbers, merge: true, logLevel: 'error' })
  const [error] = document.errors
  if (error) throw badRequest(`the body is not valid YAML: ${error.code}${error.linePos ? ` at line ${error.linePos[0].line}` : ''}`)
  if (hasComplexKey(document)) throw badRequest('the body is not valid YAML: a key must be a plain word or number')
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return { contents: document.contents, value: longNumbers ? withSafeNumbers(value) : value }
  } catch {
    throw badRequest('the body is not valid YAML: an alias names nothing, or aliases multiply')
  }
}

/** Whatever the text's own %YAML line says: no dates, sets or bytes. */
const jsonValuesOnly = { schema: 'core', resolveKnownTags: false } as const

/** Integers that a double holds exactly become numbers again. */
function withSafeNumbers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(withSafeNumbers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withSafeNumbers(member)]))
}

function duplicatePaths(contents: unknown): string[] {
  const found: string[] = []
  collectDuplicates(contents, [], found)
  return found
}
const maxDuplicates = 100

function collectDuplicates(node: unknown, path: readonly (string | number)[], found: string[]): void {
  if (isSeq(node)) for (const [index, item] of node.items.entries()) collectDuplicates(item, [...path, index], found)
  if (!isMap(node)) return
  const seen = new Set<string>()
  for (const pair of node.items) {
    if (!isPair(pair) || found.length >= maxDuplicates) return
    const key = String(isScalar(pair.key) ? pair.key.value : pair.key)
    if (seen.has(key)) found.push(printFieldPath([...path, key]))
    seen.add(key)
    collectDuplicates(pair.value, [...path, key], found)
  }
}
