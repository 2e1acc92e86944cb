import { parseExact } from '../api/json/parse-exact.js'

/** Parses JSON from the server. Integers beyond 2^53 come back as bigint, exact. Throws SyntaxError. */
export function decodeAnswer(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return hasLongDigitRun(text) ? parseExact(text).value : value
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
