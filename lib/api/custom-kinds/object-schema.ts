import { ObjectMetaSchema } from '../object-meta.js'
import type { JsonSchema } from '../schema/json-schema.js'

/** The schema of whole objects from a structural one that a user gave: apiVersion, kind and metadata are what they are for every kind. */
export function objectSchema(schema: JsonSchema): JsonSchema {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...own } = schema.properties ?? {}
  const properties: Record<string, JsonSchema> = {
    apiVersion: { type: 'string', description: 'The group and version of the kind.' },
    kind: { type: 'string', description: 'The kind of the object.' },
    metadata: metadataSchema(metadata),
    ...withStandardFields({ properties: own }).properties,
  }
  const required = schema.required?.filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name))
  return { ...schema, type: 'object', properties, ...(required ? { required } : {}) }
}

/** What a user says of names is added to what holds for them anyway. */
function metadataSchema({ properties = {} }: JsonSchema = {}): JsonSchema {
  const standard = ObjectMetaSchema.json
  const merged: Record<string, JsonSchema> = { ...standard.properties }
  for (const name of ['name', 'generateName']) if (properties[name]) merged[name] = { ...merged[name], ...properties[name], type: 'string' }
  return { ...standard, properties: merged, description: 'The standard metadata of every object.' }
}

/** The schema with the standard fields of every embedded resource within it. What has none comes back as it is. */
function withStandardFields(schema: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties } = schema
  const changed: JsonSchema = {
    ...schema,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, withStandardFields(part)])) }
      : {}),
    ...(items ? { items: withStandardFields(items) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: withStandardFields(additionalProperties) } : {}),
  }
  if (!schema['x-kubernetes-embedded-resource']) return changed
  const standard = {
    apiVersion: { type: 'string', description: 'The group and version of the kind.', minLength: 1 },
    kind: { type: 'string', description: 'The kind of the object.', minLength: 1 },
    metadata: metadataSchema(properties?.metadata),
  } as const
  const required = [...new Set([...(schema.required ?? []), 'apiVersion', 'kind'])]
  return { ...changed, properties: { ...changed.properties, ...standard }, required }
}
