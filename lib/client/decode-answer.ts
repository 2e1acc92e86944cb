import { parseExact } from '../api/json/parse-exact.js'
import { hasLongDigitRun } from './read-answer.js'

/** Parses one event of a stream as `readAnswer` does a whole answer, at once. Throws SyntaxError. */
export function decodeAnswer(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return hasLongDigitRun(text) ? parseExact(text).value : value
}
