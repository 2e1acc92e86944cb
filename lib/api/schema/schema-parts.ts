import type { JsonSchema } from './json-schema.js'

/** The schemas directly within this one that speak of the same value: logic. */
export function logicOf(schema: JsonSchema): readonly { readonly path: string; readonly schema: JsonSchema }[] {
  if (!schema.allOf && !schema.anyOf && !schema.oneOf && !schema.not) return none
  const lists = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((word) =>
    (schema[word] ?? []).map((branch, index) => ({ path: `${word}[${index}]`, schema: branch })),
  )
  return schema.not ? [...lists, { path: 'not', schema: schema.not }] : lists
}

/** The schemas directly within this one that speak of its members and items. `path` is the place in the schema. */
export function partsOf(schema: JsonSchema): readonly { readonly path: string; readonly name: string; readonly schema: JsonSchema }[] {
  if (!schema.properties && !schema.items && !schema.additionalProperties) return none
  const parts = Object.entries(schema.properties ?? {}).map(([name, part]) => ({ path: `properties[${name}]`, name, schema: part }))
  if (schema.items) parts.push({ path: 'items', name: '[]', schema: schema.items })
  if (typeof schema.additionalProperties === 'object')
    parts.push({ path: 'additionalProperties', name: '*', schema: schema.additionalProperties })
  return parts
}

const none: readonly never[] = []
