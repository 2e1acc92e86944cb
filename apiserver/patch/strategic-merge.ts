/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are maps (`x-kubernetes-list-map-keys`) or sets, and that may
 * carry directives:
 *
 *     { $patch: 'replace' | 'delete' }       in an object or in an item of a list
 *     { $retainKeys: [...] }                 the members that stay
 *     { '$deleteFromPrimitiveList/x': [...] }  values to take out of the set x
 *     { '$setElementOrder/x': [...] }        the order of the list x
 */
import { badRequest } from '../../lib/api/api-error.js'
import { printJson } from '../../lib/api/json/print-json.js'
import { assertSafeKey } from '../../lib/api/json/safe-key.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { itemIdentity } from '../../lib/api/validation/list-items.js'
import { orderItems } from './list-order.js'

type JsonObject = Record<string, unknown>

const deletePrefix = '$deleteFromPrimitiveList/'
const orderPrefix = '$setElementOrder/'

/** The merged value; neither argument is changed. Throws BadRequest for a directive that makes no sense. */
export function strategicMerge(schema: JsonSchema | undefined, target: unknown, patch: JsonObject): JsonObject {
  const directive = patch.$patch
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'replace' && directive !== 'merge') throw badDirective(directive)
  if (directive === 'replace' || !isObject(target) || schema?.['x-kubernetes-map-type'] === 'atomic')
    return withoutDirectives(schema, patch)

  const merged: JsonObject = retained(target, patch.$retainKeys)
  for (const key of fieldsOf(patch)) {
    assertSafeKey(key)
    const value = patch[key]
    if (value === null) delete merged[key]
    else merged[key] = mergeField(fieldSchema(schema, key), own(merged, key), value, patch, key)
  }
  return merged
}

/** The fields that a patch is about: its own members, and lists that only a directive names. */
function fieldsOf(patch: JsonObject): Set<string> {
  const fields = new Set<string>()
  for (const key of Object.keys(patch)) {
    if (key === '$patch' || key === '$retainKeys') continue
    if (key.startsWith(deletePrefix)) fields.add(key.slice(deletePrefix.length))
    else if (key.startsWith(orderPrefix)) fields.add(key.slice(orderPrefix.length))
    else if (key.startsWith('$')) throw badDirective(key)
    else fields.add(key)
  }
  return fields
}

function mergeField(schema: JsonSchema | undefined, target: unknown, value: unknown, patch: JsonObject, key: string): unknown {
  if (isObject(value)) return strategicMerge(schema, target, value)
  const removed = own(patch, deletePrefix + key)
  const order = own(patch, orderPrefix + key)
  if (!Array.isArray(value) && removed === undefined && order === undefined) return value
  return mergeList(schema, Array.isArray(target) ? target : [], asList(value ?? [], key), asList(removed ?? [], key), order)
}

function mergeList(
  schema: JsonSchema | undefined,
  target: readonly unknown[],
  patch: readonly unknown[],
  removed: readonly unknown[],
  order: unknown,
) {
  const identify = schema && itemIdentity(schema)
  const items = patch.filter((item) => !isDirective(item, 'replace', schema))
  if (!identify || items.length < patch.length) return items.map((item) => cleanItem(schema, item))
  const identityOf = (item: unknown) => printJson(identify(item))
  const gone = new Set(removed.map((item) => printJson(item)))
  const merged = new Map<string, unknown>()
  for (const item of target) if (!gone.has(printJson(item))) merged.set(identityOf(item), item)
  const placeOf = patchIdentity(schema, merged, identityOf)
  for (const item of items) {
    const identity = placeOf(item)
    if (isObject(item) && item.$patch === 'delete') merged.delete(identity)
    else merged.set(identity, isObject(item) ? strategicMerge(schema.items, merged.get(identity), item) : item)
  }
  if (order === undefined) return [...merged.values()]
  const wanted = asList(order, 'order').map(placeOf)
  return orderItems([...merged], ([identity]) => identity, wanted, target.map(identityOf)).map(([, item]) => item)
}

/**
 * Which item of the list a patch means. Where patches tell items apart by fewer keys than the list does (ports: by containerPort alone),
 * that is the item with all its keys, else the first with that one.
 */
function patchIdentity(schema: JsonSchema, merged: ReadonlyMap<string, unknown>, identityOf: (item: unknown) => string) {
  const key = schema['x-kubernetes-patch-merge-key']
  if (key === undefined) return identityOf
  const keyOf = (item: unknown) => (isObject(item) ? printJson(item[key]) : undefined)
  const first = new Map<string | undefined, string>()
  for (const [identity, item] of merged) if (!first.has(keyOf(item))) first.set(keyOf(item), identity)
  return (item: unknown) => {
    const whole = identityOf(item)
    return merged.has(whole) ? whole : (first.get(keyOf(item)) ?? whole)
  }
}

/** `{ $patch: 'replace' }` alone in a list replaces the list; beside an item's keys it replaces the item. */
function isDirective(item: unknown, directive: string, schema: JsonSchema | undefined): boolean {
  if (!isObject(item) || item.$patch !== directive) return false
  const keys = schema?.['x-kubernetes-list-map-keys'] ?? []
  return keys.every((key) => !Object.hasOwn(item, key))
}

/** What the patch would make of nothing. */
function withoutDirectives(schema: JsonSchema | undefined, patch: JsonObject): JsonObject {
  const plain = Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$patch' && key !== '$retainKeys'))
  return strategicMerge(schema?.['x-kubernetes-map-type'] === 'atomic' ? undefined : schema, {}, plain)
}

function cleanItem(schema: JsonSchema | undefined, item: unknown): unknown {
  return isObject(item) ? strategicMerge(schema?.items, {}, item) : item
}

function retained(target: JsonObject, keys: unknown): JsonObject {
  if (keys === undefined) return { ...target }
  const kept = new Set(asList(keys, '$retainKeys'))
  return Object.fromEntries(Object.entries(target).filter(([key]) => kept.has(key)))
}

function fieldSchema(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  if (schema?.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

const own = (object: JsonObject, key: string) => (Object.hasOwn(object, key) ? object[key] : undefined)

function asList(value: unknown, key: string): readonly unknown[] {
  if (!Array.isArray(value)) throw badRequest(`the strategic merge patch needs a list for ${key}`)
  return value
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const badDirective = (directive: unknown) => badRequest(`the strategic merge patch holds an unknown directive: ${printJson(directive)}`)
