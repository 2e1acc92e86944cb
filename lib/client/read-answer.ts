import type { RawResponse } from './client.js'

/**
 * The JSON of an answer, read to its end. Integers beyond 2^53 come back as bigint, exact; the parser for
 * them is loaded when the first one comes. Throws SyntaxError.
 */
export async function readAnswer(response: Pick<RawResponse, 'text'>): Promise<unknown> {
  const text = await response.text()
  if (!hasLongDigitRun(text)) return JSON.parse(text)
  const { parseExact } = await import('../api/json/parse-exact.js')
  return parseExact(text).value
}

const run = 16

/** Whether 16 digits stand in a row. Looks at every 16th character alone: a run that long cannot slip between. */
export function hasLongDigitRun(text: string): boolean {
  for (let at = run - 1; at < text.length; at += run) {
    if (!isDigit(text.charCodeAt(at))) continue
    let start = at
    let end = at
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--
    while (isDigit(text.charCodeAt(end + 1))) end++
    if (end - start + 1 >= run) return true
  }
  return false
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
