/** Characters by code point: what lies in a range or has a property of Unicode; or, negated, what does not. */
export interface CharSet {
  readonly ranges: readonly (readonly [number, number])[]
  /** Each tests one character. */
  readonly properties: readonly RegExp[]
  readonly negated: boolean
  /** Sets that count as members: `\D` within a class. */
  readonly sets: readonly CharSet[]
}

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'noWordBoundary'

/** A regular expression in parts. */
export type PatternNode =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'assertion'; readonly assertion: Assertion }
  | { readonly type: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly type: 'choice'; readonly branches: readonly PatternNode[] }
  | { readonly type: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number; readonly greedy: boolean }

export const charSet = (ranges: readonly (readonly [number, number])[], negated = false): CharSet => ({
  ranges,
  properties: [],
  negated,
  sets: [],
})

export function hasChar(set: CharSet, char: number): boolean {
  let found = false
  for (const [low, high] of set.ranges)
    if (char >= low && char <= high) {
      found = true
      break
    }
  found ||= set.sets.some((inner) => hasChar(inner, char))
  if (!found && set.properties.length > 0) {
    const text = String.fromCodePoint(char)
    found = set.properties.some((property) => property.test(text))
  }
  return found !== set.negated
}
