import { UsageError } from './exit-code.js'

/** The number that a flag's text is. Throws UsageError. */
export function wholeNumber(text: string, flag: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`${flag} takes a whole number, not "${text}"`)
  return Number(text)
}
