import { itemNaming, memberElement } from '../../../lib/api/managed-fields/field-element.js'
import { childOf, type FieldSet, isEmptySet, isMember, noFields } from '../../../lib/api/managed-fields/field-set.js'
import { isDeclared, memberSchema, structureOf } from '../../../lib/api/managed-fields/structure.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'

type Members = Readonly<Record<string, unknown>>

/** The value without these fields, each with all that is in it. The value is not changed; what loses nothing is shared. */
export function removeFields(schema: JsonSchema | undefined, value: unknown, fields: FieldSet): unknown {
  if (isEmptySet(fields)) return value
  switch (structureOf(schema, value)) {
    case 'one':
      return value
    case 'members':
      return removeMembers(schema, value as Members, fields)
    case 'items':
      return removeItems(schema, value as readonly unknown[], fields)
  }
}

function removeMembers(schema: JsonSchema | undefined, object: Members, fields: FieldSet): Members {
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(object)) {
    const node = childOf(fields, memberElement(name))
    if (node === undefined) kept[name] = object[name]
    else if (!isMember(node)) kept[name] = removeFields(memberSchema(schema, name), object[name], node)
  }
  return kept
}

function removeItems(schema: JsonSchema | undefined, items: readonly unknown[], fields: FieldSet): readonly unknown[] {
  const nameOf = itemNaming(schema) ?? String
  return items.flatMap((item) => {
    const node = childOf(fields, nameOf(item))
    if (node === undefined) return [item]
    return isMember(node) ? [] : [removeFields(schema?.items, item, node)]
  })
}

/**
 * The set with the members that the schema names and that lead to its fields: who owns spec.resources.limits has a part in spec.resources.
 */
export function withDeclaredParents(schema: JsonSchema | undefined, fields: FieldSet): FieldSet {
  const complete: Record<string, FieldSet> = {}
  for (const element of Object.keys(fields)) {
    const node = fields[element] as FieldSet
    const name = element.startsWith('f:') ? element.slice(2) : undefined
    const below = withDeclaredParents(name === undefined ? schema?.items : memberSchema(schema, name), node)
    complete[element] = name !== undefined && !isMember(node) && isDeclared(schema, name) ? { '.': noFields, ...below } : below
  }
  return complete
}
