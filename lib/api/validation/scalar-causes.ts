import { invalidValue, notSupported, type StatusCause } from '../api-error.js'
import { sameValue } from '../json/same-value.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { isInt32, isInt64, isIntOrString, isQuantity } from './formats.js'
import { hasStringFormat } from './string-formats.js'

/** What a cause quotes of a value. */
export type Show = (value: unknown) => unknown

/** That the value has none of the types that the schema allows. */
export function typeMismatch(schema: JsonSchema, value: unknown, field: string): StatusCause | undefined {
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

/** What is wrong with the value itself, its members and items apart; patterns are the caller's. */
export function scalarCauses(schema: JsonSchema, value: unknown, field: string, show: Show): StatusCause[] {
  const causes: StatusCause[] = []
  if (schema.enum && !schema.enum.some((item) => sameValue(item, value)))
    causes.push(notSupported(field, show(value), `supported values: ${printEnum(schema.enum)}`))
  if (typeof value === 'number' || typeof value === 'bigint') causes.push(...numberCauses(schema, value, field, show))
  if (typeof value === 'string') causes.push(...lengthCauses(schema, value, field, show))
  if (!hasFormat(schema.format, value)) causes.push(invalidValue(field, show(value), formatText(schema.format ?? '', field)))
  return causes
}

const maxShown = 50

function printEnum(values: readonly unknown[]): string {
  const shown = values.slice(0, maxShown).map((value) => JSON.stringify(value))
  return [...shown, ...(values.length > maxShown ? [`${values.length - maxShown} more`] : [])].join(', ')
}

function numberCauses(schema: JsonSchema, value: number | bigint, field: string, show: Show): StatusCause[] {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema
  const causes: StatusCause[] = []
  if (minimum !== undefined && (value < minimum || (exclusiveMinimum && value <= minimum)))
    causes.push(
      invalidValue(field, show(value), `${field} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`),
    )
  if (maximum !== undefined && (value > maximum || (exclusiveMaximum && value >= maximum)))
    causes.push(
      invalidValue(field, show(value), `${field} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`),
    )
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    causes.push(invalidValue(field, show(value), `${field} in body should be a multiple of ${multipleOf}`))
  return causes
}

function isMultiple(value: number | bigint, factor: number): boolean {
  if (typeof value === 'bigint') return Number.isInteger(factor) && value % BigInt(factor) === 0n
  return Number.isInteger(value / factor)
}

function lengthCauses(schema: JsonSchema, text: string, field: string, show: Show): StatusCause[] {
  const causes: StatusCause[] = []
  const length = schema.maxLength !== undefined || schema.minLength !== undefined ? [...text].length : 0
  if (schema.maxLength !== undefined && length > schema.maxLength)
    causes.push({ reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${schema.maxLength} characters` })
  if (schema.minLength !== undefined && length < schema.minLength)
    causes.push(invalidValue(field, show(text), `${field} in body should be at least ${schema.minLength} chars long`))
  return causes
}

function hasFormat(format: string | undefined, value: unknown): boolean {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  switch (format) {
    case undefined:
      return true
    case 'quantity':
      return isQuantity(value)
    case 'int64':
      return !isNumber || isInt64(value)
    case 'int32':
      return !isNumber || isInt32(value)
    default:
      return typeof value !== 'string' || hasStringFormat(format, value)
  }
}

function formatText(format: string, field: string): string {
  return format === 'quantity'
    ? 'must be a quantity that is not negative, for example 500m, 1.5 or 2Gi'
    : `${field} in body must be of type ${format}`
}
