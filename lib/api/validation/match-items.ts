import { printJson } from '../json/print-json.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { itemIdentity } from './list-items.js'

/**
 * What an item of a list was before: in a list map the item with its keys. Items of other lists have no identity that outlives a change.
 */
export function itemMatcher(schema: JsonSchema, before: readonly unknown[]): ((item: unknown) => unknown) | undefined {
  const identify = schema['x-kubernetes-list-type'] === 'map' ? itemIdentity(schema) : undefined
  if (!identify) return undefined
  const byIdentity = new Map(before.map((item) => [printJson(identify(item)), item]))
  return (item) => byIdentity.get(printJson(identify(item)))
}
