import { sameValue } from '../../../lib/api/json/same-value.js'
import { itemNaming, memberElement } from '../../../lib/api/managed-fields/field-element.js'
import { type FieldSet, noFields } from '../../../lib/api/managed-fields/field-set.js'
import { everyField } from '../../../lib/api/managed-fields/fields-of.js'
import { memberSchema, structureOf } from '../../../lib/api/managed-fields/structure.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'

/** What distinguishes two states of an object. */
export interface FieldChanges {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet
  /** Fields that are no more. */
  readonly removed: FieldSet
}

/** The fields in which two objects differ. Parts that both share are not looked into. */
export function compareFields(schema: JsonSchema, before: object, after: object): FieldChanges {
  const changes = compareMembers(schema, before as Members, after as Members)
  return { changed: changes?.changed ?? noFields, removed: changes?.removed ?? noFields }
}

type Members = Readonly<Record<string, unknown>>
type NodeChanges = { changed?: FieldSet; removed?: FieldSet } | undefined

function compareNodes(schema: JsonSchema | undefined, before: unknown, after: unknown): NodeChanges {
  if (before === after) return undefined
  if (before === undefined) return { changed: everyField(schema, after) }
  if (after === undefined) return { removed: everyField(schema, before) }
  const structure = structureOf(schema, after)
  if (structure !== structureOf(schema, before)) return { changed: everyField(schema, after), removed: everyField(schema, before) }
  switch (structure) {
    case 'one':
      return sameValue(before, after) ? undefined : { changed: noFields }
    case 'members':
      return compareMembers(schema, before as Members, after as Members)
    case 'items':
      return compareItems(schema, before as readonly unknown[], after as readonly unknown[])
  }
}

function compareMembers(schema: JsonSchema | undefined, before: Members, after: Members): NodeChanges {
  const gathered = new Gathered()
  for (const name of Object.keys(before))
    if (!Object.hasOwn(after, name)) gathered.add(memberElement(name), compareNodes(memberSchema(schema, name), before[name], undefined))
  for (const name of Object.keys(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (old !== after[name]) gathered.add(memberElement(name), compareNodes(memberSchema(schema, name), old, after[name]))
  }
  return gathered.changes
}

function compareItems(schema: JsonSchema | undefined, before: readonly unknown[], after: readonly unknown[]): NodeChanges {
  const nameOf = itemNaming(schema)
  if (!nameOf) return undefined
  const gathered = new Gathered()
  const old = new Map(before.map((item) => [nameOf(item), item]))
  for (const item of after) {
    const element = nameOf(item)
    gathered.add(element, compareNodes(schema?.items, old.get(element), item))
    old.delete(element)
  }
  for (const [element, item] of old) gathered.add(element, compareNodes(schema?.items, item, undefined))
  return gathered.changes
}

/** The changes of the nodes below one node. */
class Gathered {
  #changed: Record<string, FieldSet> | undefined
  #removed: Record<string, FieldSet> | undefined

  add(element: string, changes: NodeChanges): void {
    if (changes?.changed) {
      this.#changed ??= {}
      this.#changed[element] = changes.changed
    }
    if (changes?.removed) {
      this.#removed ??= {}
      this.#removed[element] = changes.removed
    }
  }

  get changes(): NodeChanges {
    if (!this.#changed && !this.#removed) return undefined
    return { ...(this.#changed ? { changed: this.#changed } : {}), ...(this.#removed ? { removed: this.#removed } : {}) }
  }
}
