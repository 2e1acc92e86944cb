import type { Environment } from '@marcbachmann/cel-js'
import type { JsonSchema } from '../schema/json-schema.js'
import { writtenName } from './field-name.js'

/** The name of the type that values of a schema have. */
export type TypeOf = (schema: JsonSchema) => string

/** Declares what values of a schema, and of every schema within it, are to the type check. Each object schema becomes a type of its own. */
export function declareSchemaTypes(environment: Environment, root: JsonSchema): TypeOf {
  const names = new Map<JsonSchema, string>()
  const declare = (schema: JsonSchema): string => {
    const known = names.get(schema)
    if (known !== undefined) return known
    const name = typeName(schema)
    names.set(schema, name)
    return name
  }
  const typeName = (schema: JsonSchema): string => {
    if (schema['x-kubernetes-int-or-string'] || schema.nullable) {
      declareParts(schema)
      return 'dyn'
    }
    switch (schema.type) {
      case 'string':
        return textType(schema.format)
      case 'integer':
        return 'int'
      case 'number':
        return 'double'
      case 'boolean':
        return 'bool'
      case 'array':
        return schema.items ? `list<${declare(schema.items)}>` : 'list<dyn>'
      case 'object':
        return typeof schema.additionalProperties === 'object'
          ? `map<string, ${declare(schema.additionalProperties)}>`
          : declareObject(schema)
      default:
        return 'dyn'
    }
  }
  const declareParts = (schema: JsonSchema): Record<string, string> => {
    const fields: Record<string, string> = {}
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const written = writtenName(name)
      const type = declare(property)
      if (written !== undefined) fields[written] = type
    }
    return fields
  }
  const declareObject = (schema: JsonSchema): string => {
    const fields = declareParts(schema)
    if (Object.keys(fields).length === 0) return 'dyn'
    const name = `Object${names.size}`
    environment.registerType(name, { fields })
    return name
  }
  declare(root)
  return declare
}

function textType(format: string | undefined): string {
  if (format === 'byte') return 'bytes'
  if (format === 'date-time' || format === 'date') return 'google.protobuf.Timestamp'
  return format === 'duration' ? 'google.protobuf.Duration' : 'string'
}
