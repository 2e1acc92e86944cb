import type { JsonSchema } from '../schema/json-schema.js'

/**
 * How a value is owned: as one (scalars, null, atomic lists and maps), by its members, or by its items. Where the
 * schema says nothing, objects are owned by their members and lists as one. A value of another type than the
 * schema's is owned as its own type would be: validation refuses it.
 */
export type Structure = 'one' | 'members' | 'items'

export function structureOf(schema: JsonSchema | undefined, value: unknown): Structure {
  if (typeof value !== 'object' || value === null) return 'one'
  if (!Array.isArray(value)) return schema?.['x-kubernetes-map-type'] === 'atomic' ? 'one' : 'members'
  const listType = schema?.['x-kubernetes-list-type']
  return listType === 'map' || listType === 'set' ? 'items' : 'one'
}

/** Whether the schema names this member of an object. */
export function isDeclared(schema: JsonSchema | undefined, name: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, name)
}

/** The schema of a member; undefined where nothing is known of it. */
export function memberSchema(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  if (isDeclared(schema, name)) return schema?.properties?.[name]
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
}
