/**
 * kubectl's JSONPath templates: text with `{…}` expressions, `{range …}…{end}` and quoted strings.
 *
 *     compileTemplate('{range .items[*]}{.metadata.name}{"\\n"}{end}')
 */

import { printJson } from '../../lib/api/json/print-json.js'
import { compileJsonPath, type JsonPath } from '../../lib/api/json-path.js'
import { UsageError } from '../cli/exit-code.js'

export type Template = (value: unknown) => string

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly select: JsonPath; readonly fromRoot: boolean }
  | { readonly type: 'range'; readonly select: JsonPath; readonly fromRoot: boolean; readonly body: readonly Part[] }

/** Throws UsageError when the template cannot be read. */
export function compileTemplate(source: string): Template {
  const tokens = tokenize(source)
  const { parts, rest } = parseParts(tokens, 0)
  if (rest < tokens.length) throw new UsageError(`invalid template: {end} without {range} in ${source}`)
  return (value) => render(parts, value, value)
}

type Token = { readonly type: 'text' | 'expression'; readonly text: string }

function tokenize(source: string): Token[] {
  // kubectl takes a bare path too: -o jsonpath=.metadata.name
  if (!source.includes('{')) return [{ type: 'expression', text: source }]
  const tokens: Token[] = []
  for (let at = 0; at < source.length; ) {
    const open = source.indexOf('{', at)
    if (open < 0) {
      tokens.push({ type: 'text', text: source.slice(at) })
      break
    }
    if (open > at) tokens.push({ type: 'text', text: source.slice(at, open) })
    const close = closingBrace(source, open)
    tokens.push({ type: 'expression', text: source.slice(open + 1, close).trim() })
    at = close + 1
  }
  return tokens
}

function closingBrace(source: string, open: number): number {
  let quote = ''
  for (let at = open + 1; at < source.length; at++) {
    const char = source[at] ?? ''
    if (char === '\\') at++
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '}') return at
  }
  throw new UsageError(`invalid template: no closing } in ${source}`)
}

function parseParts(tokens: readonly Token[], from: number): { parts: Part[]; rest: number } {
  const parts: Part[] = []
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at]
    if (!token) break
    if (token.type === 'text') parts.push({ type: 'text', text: token.text })
    else if (token.text === 'end') return { parts, rest: at }
    else if (/^range\s/.test(token.text)) {
      const body = parseParts(tokens, at + 1)
      if (tokens[body.rest]?.text !== 'end') throw new UsageError('invalid template: {range} without {end}')
      parts.push({ type: 'range', ...pathOf(token.text.slice('range'.length).trim()), body: body.parts })
      at = body.rest
    } else if (/^["']/.test(token.text)) parts.push({ type: 'text', text: unquote(token.text) })
    else parts.push({ type: 'path', ...pathOf(token.text) })
  }
  return { parts, rest: tokens.length }
}

/** `$` begins at the root, whatever `range` is going on. */
function pathOf(text: string): { select: JsonPath; fromRoot: boolean } {
  try {
    return { select: compileJsonPath(text), fromRoot: text.startsWith('$') }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function unquote(text: string): string {
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' }
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_match, char: string) => escapes[char] ?? char)
}

function render(parts: readonly Part[], value: unknown, root: unknown): string {
  let text = ''
  for (const part of parts) {
    if (part.type === 'text') text += part.text
    else if (part.type === 'path')
      text += part
        .select(part.fromRoot ? root : value)
        .map(printValue)
        .join(' ')
    else for (const item of part.select(part.fromRoot ? root : value)) text += render(part.body, item, root)
  }
  return text
}

/** Strings as they are, everything else as JSON. */
export function printValue(value: unknown): string {
  return typeof value === 'string' ? value : printJson(value)
}
