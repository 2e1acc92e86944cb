import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'

/** A structural schema as OpenAPI v3 says it: values that may be number or text are published as text with a format, as Kubernetes does. */
export function publishSchema(schema: JsonSchema): Record<string, unknown> {
  const {
    properties,
    items,
    additionalProperties,
    'x-kubernetes-int-or-string': intOrString,
    'x-millrace-foreign': _foreign,
    format,
    ...rest
  } = schema
  return {
    ...rest,
    ...(intOrString ? { type: 'string', format: format ?? 'int-or-string' } : format ? { format } : {}),
    ...(properties ? { properties: publishAll(properties) } : {}),
    ...(items ? { items: publishSchema(items) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: typeof additionalProperties === 'boolean' ? additionalProperties : publishSchema(additionalProperties) }),
  }
}

function publishAll(properties: Record<string, JsonSchema>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, publishSchema(schema)]))
}
