import type { StatusCause } from '../api-error.js'
import { duplicateValue, invalidValue, notSupported, requiredValue } from '../api-error.js'
import { printFieldPath } from '../json/field-path.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { isBase64, isDateTime, isInt32, isInt64, isIntOrString, isQuantity } from './formats.js'
import { duplicateIndexes, itemIdentity } from './list-items.js'

const maxCauses = 20

/**
 * What is wrong with a value, in Kubernetes' words: at most 20 causes, in the order of the fields. Without `showValues` no cause quotes the
 * value: for secrets.
 */
export function explainFailure(schema: JsonSchema, value: unknown, showValues = true): StatusCause[] {
  const walk = new Walk(showValues ? (shown) => shown : () => '(hidden)')
  walk.visit(schema, value)
  return walk.causes.slice(0, maxCauses)
}

/** What a cause quotes of a value. */
type Show = (value: unknown) => unknown

class Walk {
  readonly causes: StatusCause[] = []
  readonly #path: (string | number)[] = []
  readonly #show: Show

  constructor(show: Show) {
    this.#show = show
  }

  visit(schema: JsonSchema, value: unknown): void {
    if (this.causes.length >= maxCauses || (value === null && schema.nullable)) return
    const field = printFieldPath(this.#path)
    const mismatch = typeMismatch(schema, value, field)
    if (mismatch) {
      this.causes.push(mismatch)
      return
    }
    this.causes.push(...scalarCauses(schema, value, field, this.#show))
    if (Array.isArray(value)) this.#visitItems(schema, value, field)
    else if (typeof value === 'object' && value !== null) this.#visitMembers(schema, value as Record<string, unknown>, field)
  }

  #visitMembers(schema: JsonSchema, object: Record<string, unknown>, field: string): void {
    for (const name of schema.required ?? [])
      if (!Object.hasOwn(object, name) || object[name] === undefined) this.causes.push(requiredValue(field ? `${field}.${name}` : name))
    for (const [name, member] of Object.entries(object)) {
      if (member === undefined) continue
      const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties
      if (typeof known !== 'object') continue
      this.#path.push(name)
      this.visit(known, member)
      this.#path.pop()
    }
  }

  #visitItems(schema: JsonSchema, items: readonly unknown[], field: string): void {
    if (schema.maxItems !== undefined && items.length > schema.maxItems)
      this.causes.push({
        reason: 'FieldValueTooMany',
        field,
        message: `Too many: ${items.length}: must have at most ${schema.maxItems} items`,
      })
    if (schema.minItems !== undefined && items.length < schema.minItems)
      this.causes.push(invalidValue(field, items.length, `${field} in body should have at least ${schema.minItems} items`))
    for (const index of duplicateIndexes(schema, items))
      this.causes.push(duplicateValue(`${field}[${index}]`, this.#show(itemIdentity(schema)?.(items[index]))))
    for (const [index, item] of items.entries()) {
      if (!schema.items || this.causes.length >= maxCauses) return
      this.#path.push(index)
      this.visit(schema.items, item)
      this.#path.pop()
    }
  }
}

function typeMismatch(schema: JsonSchema, value: unknown, field: string): StatusCause | undefined {
  const expected = expectedType(schema, value)
  if (expected === undefined) return undefined
  const actual = typeName(value)
  return {
    reason: 'FieldValueTypeInvalid',
    field,
    message: `Invalid value: "${actual}": ${field} in body must be of type ${expected}: "${actual}"`,
  }
}

/** The type that the value should have had; undefined when it has it. */
function expectedType(schema: JsonSchema, value: unknown): string | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    const isScalar =
      schema.format === 'quantity' ? ['string', 'number', 'bigint'].includes(typeof value) : isIntOrString(value, schema.format)
    return isScalar ? undefined : 'integer or string'
  }
  switch (schema.type) {
    case undefined:
      return undefined
    case 'object':
      return typeName(value) === 'object' ? undefined : 'object'
    case 'integer':
      return typeof value === 'bigint' || Number.isInteger(value) ? undefined : 'integer'
    case 'number':
      return typeof value === 'bigint' || typeof value === 'number' ? undefined : 'number'
    default:
      return typeName(value) === schema.type ? undefined : schema.type
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'integer'
  return typeof value
}

function scalarCauses(schema: JsonSchema, value: unknown, field: string, show: Show): StatusCause[] {
  const causes: StatusCause[] = []
  if (schema.enum && !schema.enum.includes(value))
    causes.push(notSupported(field, show(value), `supported values: ${schema.enum.map((item) => JSON.stringify(item)).join(', ')}`))
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (schema.minimum !== undefined && value < schema.minimum)
      causes.push(invalidValue(field, show(value), `${field} in body should be greater than or equal to ${schema.minimum}`))
    if (schema.maximum !== undefined && value > schema.maximum)
      causes.push(invalidValue(field, show(value), `${field} in body should be less than or equal to ${schema.maximum}`))
  }
  if (typeof value === 'string') causes.push(...textCauses(schema, value, field, show))
  if (!hasFormat(schema.format, value)) causes.push(invalidValue(field, show(value), formatText(schema.format ?? '', field)))
  return causes
}

function textCauses(schema: JsonSchema, text: string, field: string, show: Show): StatusCause[] {
  const causes: StatusCause[] = []
  const length = schema.maxLength !== undefined || schema.minLength !== undefined ? [...text].length : 0
  if (schema.maxLength !== undefined && length > schema.maxLength)
    causes.push({ reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${schema.maxLength} characters` })
  if (schema.minLength !== undefined && length < schema.minLength)
    causes.push(invalidValue(field, show(text), `${field} in body should be at least ${schema.minLength} chars long`))
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(text))
    causes.push(invalidValue(field, show(text), `${field} in body should match '${schema.pattern}'`))
  return causes
}

function hasFormat(format: string | undefined, value: unknown): boolean {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  switch (format) {
    case 'date-time':
      return typeof value !== 'string' || isDateTime(value)
    case 'byte':
      return typeof value !== 'string' || isBase64(value)
    case 'quantity':
      return isQuantity(value)
    case 'int64':
      return !isNumber || isInt64(value)
    case 'int32':
      return !isNumber || isInt32(value)
    default:
      return true
  }
}

function formatText(format: string, field: string): string {
  return format === 'quantity'
    ? 'must be a quantity that is not negative, for example 500m, 1.5 or 2Gi'
    : `${field} in body must be of type ${format}`
}
