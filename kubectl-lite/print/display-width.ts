import { createRequire } from 'node:module'

/** How many columns of a terminal a text takes. Plain ASCII, which is nearly all text here, needs no table of widths. */
export function displayWidth(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text.length
  return (createRequire(import.meta.url)('string-width') as { default: (text: string) => number }).default(text)
}
