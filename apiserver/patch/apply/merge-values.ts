import { cloneValue } from '../../../lib/api/json/clone-value.js'
import { itemNaming } from '../../../lib/api/managed-fields/field-element.js'
import { memberSchema, structureOf } from '../../../lib/api/managed-fields/structure.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { orderItems } from '../list-order.js'

type Members = Readonly<Record<string, unknown>>

/**
 * The live value with what is applied: members and items merge, everything else is replaced. Items come in the applied order; those that
 * are not applied keep their place among the others. Nothing of `applied` is shared with the result, and `live` is not changed.
 */
export function mergeValues(schema: JsonSchema | undefined, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live
  const structure = structureOf(schema, live)
  // Null over members or items claims the field and takes nothing from whoever owns what is in it.
  if (applied === null && structure !== 'one' && Object.keys(live as object).length > 0) return live
  if (structure === 'one' || structure !== structureOf(schema, applied)) return cloneValue(applied)
  return structure === 'members'
    ? mergeMembers(schema, live as Members, applied as Members)
    : mergeItems(schema, live as readonly unknown[], applied as readonly unknown[])
}

function mergeMembers(schema: JsonSchema | undefined, live: Members, applied: Members): Members {
  const merged: Record<string, unknown> = { ...live }
  for (const name of Object.keys(applied))
    merged[name] = mergeValues(memberSchema(schema, name), Object.hasOwn(live, name) ? live[name] : undefined, applied[name])
  return merged
}

function mergeItems(schema: JsonSchema | undefined, live: readonly unknown[], applied: readonly unknown[]): readonly unknown[] {
  const nameOf = itemNaming(schema) ?? String
  const liveNames = live.map(nameOf)
  const appliedNames = applied.map(nameOf)
  const merged = new Map(liveNames.map((name, index) => [name, live[index]]))
  for (const [index, name] of appliedNames.entries()) merged.set(name, mergeValues(schema?.items, merged.get(name), applied[index]))
  const named = [...merged].map(([name, item]) => ({ name, item }))
  return orderItems(named, ({ name }) => name, appliedNames, liveNames).map(({ item }) => item)
}
