import { type Document, isScalar, visit } from 'yaml'

/**
 * Whether a key anywhere is a list or an object (`? [a, b]`); asked before `toJS`. Such a key becomes its own text, escaped once more at
 * every level of `? ? ?`: a few bytes become gigabytes.
 */
export function hasComplexKey(document: Document.Parsed): boolean {
  let found = false
  visit(document, {
    Pair(_key, { key }) {
      if (key === null || isScalar(key)) return undefined
      found = true
      return visit.BREAK
    },
  })
  return found
}
