import { forbiddenField, invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { logicOf } from '../schema/schema-parts.js'

const none: readonly StatusCause[] = []
const scalarTypes: readonly (string | undefined)[] = ['string', 'integer', 'number', 'boolean']

/** What is wrong with the x-kubernetes words of one schema. */
export function extensionCauses(schema: JsonSchema, path: string): readonly StatusCause[] {
  if (!Object.keys(schema).some((word) => word.startsWith('x-'))) return none
  return [...unknownFieldCauses(schema, path), ...intOrStringCauses(schema, path), ...listCauses(schema, path), ...mapCauses(schema, path)]
}

function unknownFieldCauses(schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  const preserves = schema['x-kubernetes-preserve-unknown-fields']
  if (preserves === false) causes.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  if (!schema['x-kubernetes-embedded-resource']) return causes
  if (schema.type !== 'object')
    causes.push(invalidValue(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-embedded-resource is true'))
  if (!preserves && Object.keys(schema.properties ?? {}).length === 0)
    causes.push(
      requiredValue(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
  return causes
}

function intOrStringCauses(schema: JsonSchema, path: string): StatusCause[] {
  if (!schema['x-kubernetes-int-or-string']) return []
  const causes: StatusCause[] = []
  for (const word of ['type', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    if (schema[word] !== undefined) causes.push(forbiddenField(`${path}.${word}`, 'must be empty if x-kubernetes-int-or-string is true'))
  for (const { path: branchPath, schema: branch } of logicOf(schema))
    if (branch.type !== undefined && !(branchPath.startsWith('anyOf') && isIntOrString(schema.anyOf)))
      causes.push(forbiddenField(`${path}.${branchPath}.type`, 'must be empty but for anyOf: [{type: integer}, {type: string}]'))
  return causes
}

const isIntOrString = (branches: readonly JsonSchema[] = []) => branches.map(({ type }) => type).join() === 'integer,string'

function listCauses(schema: JsonSchema, path: string): StatusCause[] {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys']
  const causes: StatusCause[] = []
  if (listType !== undefined && schema.type !== 'array')
    causes.push(invalidValue(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'))
  if (keys && listType !== 'map')
    causes.push(invalidValue(`${path}.x-kubernetes-list-type`, listType ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty'))
  if (listType === 'map') causes.push(...keyCauses(schema, keys ?? [], path))
  if (listType === 'set' && schema.items) causes.push(...setItemCauses(schema.items, `${path}.items`))
  return causes
}

function keyCauses({ items }: JsonSchema, keys: readonly string[], path: string): StatusCause[] {
  const causes: StatusCause[] = []
  const place = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) return [requiredValue(place, 'must not be empty if x-kubernetes-list-type is map')]
  if (items?.type !== 'object')
    return [invalidValue(`${path}.items.type`, items?.type ?? '', 'must be object if parent array is list-type map')]
  if (new Set(keys).size < keys.length) causes.push(invalidValue(place, keys, 'must be a set of keys'))
  for (const [index, key] of keys.entries()) {
    const field = Object.hasOwn(items.properties ?? {}, key) ? items.properties?.[key] : undefined
    if (!field) causes.push(invalidValue(`${place}[${index}]`, key, 'entries must all be names of item properties'))
    else if (!scalarTypes.includes(field.type))
      causes.push(
        invalidValue(`${path}.items.properties[${key}].type`, field.type ?? '', 'must be a scalar type if parent array is list-type map'),
      )
    else if (field.default === undefined && !items.required?.includes(key))
      causes.push(
        requiredValue(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      )
  }
  return causes
}

/** Items of a set are told apart as wholes. */
function setItemCauses(items: JsonSchema, path: string): StatusCause[] {
  if (items.nullable) return [forbiddenField(`${path}.nullable`, 'cannot be nullable when x-kubernetes-list-type is set')]
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    return [
      invalidValue(
        `${path}.x-kubernetes-map-type`,
        items['x-kubernetes-map-type'] ?? '',
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    ]
  if (items.type === 'array' && (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic')
    return [
      invalidValue(
        `${path}.x-kubernetes-list-type`,
        items['x-kubernetes-list-type'],
        'must be atomic as item of a list with x-kubernetes-list-type=set',
      ),
    ]
  return []
}

function mapCauses(schema: JsonSchema, path: string): StatusCause[] {
  if (schema['x-kubernetes-map-type'] === undefined || schema.type === 'object') return []
  return [invalidValue(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified')]
}
