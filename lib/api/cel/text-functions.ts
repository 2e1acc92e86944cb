import { codePoints, compilePattern, type Pattern } from '../pattern/compile-pattern.js'
import { pay } from './cel-equality.js'
import type { CelContext, CelFunctions } from './cel-function.js'
import { CelError } from './cel-value.js'
import { asList, asText, paidText } from './core-functions.js'
import { indexInList } from './library-functions.js'

const maxPatterns = 100

function patternOf({ patterns, budget }: CelContext, source: string): Pattern {
  const known = patterns.get(source)
  if (known) return known
  pay(budget, source.length * 10)
  try {
    const pattern = compilePattern(source)
    if (patterns.size < maxPatterns) patterns.set(source, pattern)
    return pattern
  } catch (error) {
    throw new CelError(`not a regular expression: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function findAll(context: CelContext, text: string, source: string, limit: number): string[] {
  const chars = codePoints(text)
  const pattern = patternOf(context, source)
  const found: string[] = []
  for (let from = 0; from <= chars.length && found.length < limit; ) {
    const match = pattern.find(chars, from, context.budget)
    if (!match) break
    found.push(String.fromCodePoint(...chars.slice(match.start, match.end)))
    from = match.end > match.start ? match.end : match.end + 1
  }
  return found
}

const limitOf = (limit: unknown) => (Number(limit) < 0 ? Number.POSITIVE_INFINITY : Number(limit))

/** Positions of CEL count characters; those of JavaScript, halves of some. */
function chars(context: CelContext, text: unknown): string[] {
  pay(context.budget, asText(text).length / 10)
  return [...asText(text)]
}

function position(index: unknown, length: number): number {
  const at = Number(index)
  if (at < 0 || at > length) throw new CelError(`index out of range: ${at}`)
  return at
}

function indexOf(context: CelContext, text: unknown, part: unknown, from: unknown = 0n): bigint {
  if (Array.isArray(text)) return indexInList(context, text, part, false)
  const all = chars(context, text)
  const start = position(from, all.length)
  const found = all.slice(start).join('').indexOf(asText(part))
  return found === -1 ? -1n : BigInt(start + [...all.slice(start).join('').slice(0, found)].length)
}

function lastIndexOf(context: CelContext, text: unknown, part: unknown, from?: unknown): bigint {
  if (Array.isArray(text)) return indexInList(context, text, part, true)
  const all = chars(context, text)
  const whole = all.join('')
  const upTo = from === undefined ? whole.length : all.slice(0, position(from, all.length)).join('').length
  const found = whole.lastIndexOf(asText(part), upTo)
  return found === -1 ? -1n : BigInt([...whole.slice(0, found)].length)
}

function replace(context: CelContext, text: unknown, from: unknown, to: unknown, limit: unknown = -1n): string {
  const parts = asText(text).split(asText(from))
  pay(context.budget, asText(text).length / 10 + (Math.min(parts.length, limitOf(limit)) * asText(to).length) / 10)
  const replaced = Math.min(parts.length - 1, limitOf(limit))
  return (
    parts.slice(0, replaced + 1).join(asText(to)) +
    parts
      .slice(replaced + 1)
      .map((part) => asText(from) + part)
      .join('')
  )
}

function split(context: CelContext, text: unknown, separator: unknown, limit: unknown = -1n): string[] {
  const parts = asText(separator) === '' ? chars(context, text) : asText(text).split(asText(separator))
  pay(context.budget, parts.length)
  const most = limitOf(limit)
  if (most === 0) return []
  return parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(asText(separator))]
}

const ascii = (text: unknown, from: RegExp, change: (letters: string) => string) => asText(text).replace(from, change)

/** Functions on text: the language's own and those of Kubernetes. */
export const textFunctions: CelFunctions = {
  '.contains/1': { run: (context, text, part) => paidText(context, asText(text)).includes(asText(part)) },
  '.startsWith/1': { run: (_context, text, part) => asText(text).startsWith(asText(part)) },
  '.endsWith/1': { run: (_context, text, part) => asText(text).endsWith(asText(part)) },
  '.matches/1': { run: (context, text, source) => patternOf(context, asText(source)).test(asText(text), context.budget) },
  'matches/2': {
    signatures: ['matches(string, string): bool'],
    run: (context, text, source) => patternOf(context, asText(source)).test(asText(text), context.budget),
  },
  '.find/1': {
    signatures: ['string.find(string): string'],
    run: (context, text, source) => findAll(context, asText(text), asText(source), 1)[0] ?? '',
  },
  '.findAll/1': {
    signatures: ['string.findAll(string): list<string>'],
    run: (context, text, source) => findAll(context, asText(text), asText(source), Number.POSITIVE_INFINITY),
  },
  '.findAll/2': {
    signatures: ['string.findAll(string, int): list<string>'],
    run: (context, text, source, limit) => findAll(context, asText(text), asText(source), limitOf(limit)),
  },
  '.charAt/1': {
    signatures: ['string.charAt(int): string'],
    run: (context, text, index) => chars(context, text)[position(index, [...asText(text)].length)] ?? '',
  },
  '.indexOf/1': { signatures: ['list<A>.indexOf(A): int'], run: indexOf },
  '.indexOf/2': { run: indexOf },
  '.lastIndexOf/1': { signatures: ['list<A>.lastIndexOf(A): int'], run: lastIndexOf },
  '.lastIndexOf/2': { run: lastIndexOf },
  '.lowerAscii/0': {
    run: (context, text) =>
      paidText(
        context,
        ascii(text, /[A-Z]+/g, (letters) => letters.toLowerCase()),
      ),
  },
  '.upperAscii/0': {
    run: (context, text) =>
      paidText(
        context,
        ascii(text, /[a-z]+/g, (letters) => letters.toUpperCase()),
      ),
  },
  '.trim/0': { run: (context, text) => paidText(context, asText(text)).trim() },
  '.replace/2': { signatures: ['string.replace(string, string): string'], run: replace },
  '.replace/3': { signatures: ['string.replace(string, string, int): string'], run: replace },
  '.reverse/0': { signatures: ['string.reverse(): string'], run: (context, text) => chars(context, text).reverse().join('') },
  '.split/1': { run: split },
  '.split/2': { run: split },
  '.substring/1': {
    run: (context, text, start) => {
      const all = chars(context, text)
      return all.slice(position(start, all.length)).join('')
    },
  },
  '.substring/2': {
    run: (context, text, start, end) => {
      const all = chars(context, text)
      if (Number(end) < Number(start)) throw new CelError('invalid substring range')
      return all.slice(position(start, all.length), position(end, all.length)).join('')
    },
  },
  '.join/0': { run: (context, list) => paidText(context, asList(list).map(asText).join('')) },
  '.join/1': { run: (context, list, separator) => paidText(context, asList(list).map(asText).join(asText(separator))) },
}
