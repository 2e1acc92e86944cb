import type { Kind, KubeObject } from '../define-kind.js'
import { cloneValue } from '../json/clone-value.js'
import { sameValue } from '../json/same-value.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { shapeValue } from '../validation/shape-value.js'
import { appliedFields } from './applied-fields.js'
import { itemNaming } from './field-element.js'
import { managedFieldsOf } from './managed-entry.js'
import { memberSchema, structureOf } from './structure.js'
import { trackedPart } from './tracked-part.js'

/** Whether applying the configuration would change nothing: the manager has just these fields, and the object has their values. */
export function isApplied({ schema }: Pick<Kind, 'schema'>, live: KubeObject, configuration: KubeObject, manager: string): boolean {
  const own = managedFieldsOf(live).find((entry) => entry.manager === manager && entry.operation === 'Apply' && !entry.subresource)
  if (!own || !sameValue(own.fieldsV1, appliedFields(schema, configuration))) return false
  return holds(schema, trackedPart(live), trackedPart(configuration))
}

type Members = Readonly<Record<string, unknown>>

function holds(schema: JsonSchema | undefined, live: unknown, applied: unknown): boolean {
  if (applied === undefined) return true
  const structure = structureOf(schema, applied)
  if (structure === 'one') return sameValue(live, complete(schema, applied))
  if (structureOf(schema, live) !== structure) return false
  if (structure === 'items') return holdsItems(schema, live as readonly unknown[], applied as readonly unknown[])
  const [there, wanted] = [live as Members, applied as Members]
  return Object.keys(wanted).every((name) => holds(memberSchema(schema, name), there[name], wanted[name]))
}

/** The items are there, and in this order. */
function holdsItems(schema: JsonSchema | undefined, live: readonly unknown[], applied: readonly unknown[]): boolean {
  const nameOf = itemNaming(schema) ?? String
  const places = new Map(live.map((item, index) => [nameOf(item), index]))
  let last = -1
  return applied.every((item) => {
    const place = places.get(nameOf(item)) ?? -1
    const inOrder = place > last
    last = place
    return inOrder && holds(schema?.items, live[place], item)
  })
}

/** A value that is owned as one, with the defaults that the server writes into it. */
function complete(schema: JsonSchema | undefined, value: unknown): unknown {
  if (!schema || typeof value !== 'object' || value === null) return value
  const copy = cloneValue(value)
  shapeValue(schema, copy)
  return copy
}
