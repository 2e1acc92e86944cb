import { printJson } from '../json/print-json.js'
import type { JsonSchema } from '../schema/json-schema.js'

/** Indexes of the items of a list set or list map that repeat an earlier one. Linear in the number of items. */
export function duplicateIndexes(schema: JsonSchema, items: readonly unknown[]): number[] {
  const identify = itemIdentity(schema)
  if (!identify || items.length < 2) return []
  const seen = new Set<string>()
  const duplicates: number[] = []
  for (const [index, item] of items.entries()) {
    const identity = printJson(identify(item))
    if (seen.has(identity)) duplicates.push(index)
    seen.add(identity)
  }
  return duplicates
}

export function hasDuplicates(schema: JsonSchema, items: readonly unknown[]): boolean {
  return duplicateIndexes(schema, items).length > 0
}

/** What tells the items of this list apart: the key fields of a list map, the item itself in a set; nothing in an atomic list. */
export function itemIdentity(schema: JsonSchema): ((item: unknown) => unknown) | undefined {
  const listType = schema['x-kubernetes-list-type']
  if (listType === 'set') return (item) => item ?? null
  if (listType !== 'map') return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return (item) => Object.fromEntries(keys.map((key) => [key, memberOf(item, key)]))
}

function memberOf(item: unknown, key: string): unknown {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, key)) return null
  return (item as Record<string, unknown>)[key]
}
