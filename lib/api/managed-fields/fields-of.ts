import type { JsonSchema } from '../schema/json-schema.js'
import { itemNaming, memberElement } from './field-element.js'
import { type FieldSet, noFields } from './field-set.js'
import { isDeclared, memberSchema, structureOf } from './structure.js'

type Members = Readonly<Record<string, unknown>>

/** The fields that a configuration is about: its leaves, its items, the keys of its maps. What merely leads there is not among them. */
export function fieldsOf(schema: JsonSchema, configuration: object): FieldSet {
  return memberFields(schema, configuration as Members)
}

function memberFields(schema: JsonSchema | undefined, object: Members): FieldSet {
  const fields: Record<string, FieldSet> = {}
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (value === undefined) continue
    const below = fieldsBelow(memberSchema(schema, name), value)
    fields[memberElement(name)] = below === undefined || isDeclared(schema, name) ? (below ?? noFields) : { '.': noFields, ...below }
  }
  return fields
}

/** Undefined: the value is one field, or holds none. */
function fieldsBelow(schema: JsonSchema | undefined, value: unknown): FieldSet | undefined {
  switch (structureOf(schema, value)) {
    case 'one':
      return undefined
    case 'members':
      return orNothing(memberFields(schema, value as Members))
    case 'items':
      return orNothing(itemFields(schema, value as readonly unknown[]))
  }
}

function itemFields(schema: JsonSchema | undefined, items: readonly unknown[]): FieldSet {
  const nameOf = itemNaming(schema)
  const fields: Record<string, FieldSet> = {}
  for (const item of items) if (nameOf) fields[nameOf(item)] = { '.': noFields, ...fieldsBelow(schema?.items, item) }
  return packItems(fields)
}

/** Items without further fields are leaves. */
function packItems(items: Record<string, FieldSet>): FieldSet {
  for (const [element, node] of Object.entries(items)) if (Object.keys(node).length === 1) items[element] = noFields
  return items
}

const orNothing = (fields: FieldSet): FieldSet | undefined => (Object.keys(fields).length === 0 ? undefined : fields)

/** Everything that comes into being with a value, what leads to its fields included. */
export function everyField(schema: JsonSchema | undefined, value: unknown): FieldSet {
  const structure = structureOf(schema, value)
  if (structure === 'one') return noFields
  const fields: Record<string, FieldSet> = {}
  if (structure === 'members') {
    for (const [name, member] of Object.entries(value as Members))
      if (member !== undefined) fields[memberElement(name)] = everyField(memberSchema(schema, name), member)
  } else {
    const nameOf = itemNaming(schema)
    for (const item of value as readonly unknown[]) if (nameOf) fields[nameOf(item)] = everyField(schema?.items, item)
  }
  return Object.keys(fields).length === 0 ? noFields : { '.': noFields, ...fields }
}
