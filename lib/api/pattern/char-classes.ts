import { type CharSet, charSet } from './pattern-node.js'

const digit: readonly (readonly [number, number])[] = [[0x30, 0x39]]
const lower: readonly (readonly [number, number])[] = [[0x61, 0x7a]]
const upper: readonly (readonly [number, number])[] = [[0x41, 0x5a]]
export const wordRanges = [...digit, ...upper, [0x5f, 0x5f] as const, ...lower]
const space: readonly (readonly [number, number])[] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
]

/** `\d` and its like. */
export const perlClasses: Readonly<Record<string, CharSet>> = {
  d: charSet(digit),
  D: charSet(digit, true),
  w: charSet(wordRanges),
  W: charSet(wordRanges, true),
  s: charSet(space),
  S: charSet(space, true),
}

/** `[:alpha:]` and its like, by name. */
export const asciiClasses: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  alnum: [...digit, ...upper, ...lower],
  alpha: [...upper, ...lower],
  ascii: [[0, 0x7f]],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  upper,
  word: wordRanges,
  xdigit: [...digit, [0x41, 0x46], [0x61, 0x66]],
}

/** The set of `\p{name}`; undefined when Unicode has no such property. */
export function unicodeClass(name: string, negated: boolean): CharSet | undefined {
  const property = [`\\p{${name}}`, `\\p{Script=${name}}`].map(tryRegExp).find((found) => found !== undefined)
  return property && { ranges: [], properties: [property], negated, sets: [] }
}

function tryRegExp(source: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, 'u')
  } catch {
    return undefined
  }
}

/** The set with the other case of each of its letters. */
export function foldCase(set: CharSet): CharSet {
  const folded: [number, number][] = []
  for (const [low, high] of set.ranges) {
    if (low === high) for (const other of otherCases(low)) folded.push([other, other])
    else {
      const up = overlap(low, high, 0x61, 0x7a)
      const down = overlap(low, high, 0x41, 0x5a)
      if (up) folded.push([up[0] - 0x20, up[1] - 0x20])
      if (down) folded.push([down[0] + 0x20, down[1] + 0x20])
    }
  }
  return { ...set, ranges: [...set.ranges, ...folded] }
}

function otherCases(char: number): number[] {
  const text = String.fromCodePoint(char)
  return [text.toLowerCase(), text.toUpperCase()]
    .filter((other) => [...other].length === 1 && other !== text)
    .map((other) => other.codePointAt(0) ?? char)
}

function overlap(low: number, high: number, from: number, to: number): [number, number] | undefined {
  const start = Math.max(low, from)
  const end = Math.min(high, to)
  return start <= end ? [start, end] : undefined
}
