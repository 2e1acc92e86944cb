import type { StepBudget } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { pay } from './cel-equality.js'
import { parseDuration, parseTime } from './cel-time.js'
import { CelError } from './cel-value.js'

/** A value of JSON as rules see it, by its schema. Fields that the schema does not know are not seen. Every value is paid for. */
export function celValue(schema: JsonSchema, value: unknown, budget: StepBudget): unknown {
  pay(budget, 1)
  if (typeof value === 'string') return textValue(schema.format, value)
  if (typeof value === 'number')
    return schema.type === 'integer' || (schema.type === undefined && Number.isInteger(value)) ? BigInt(Math.trunc(value)) : value
  if (typeof value === 'bigint') return schema.type === 'number' ? Number(value) : value
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? anything, item, budget))
  if (typeof value !== 'object' || value === null) return value
  const object: Record<string, unknown> = Object.create(null)
  const isFree = Object.keys(schema.properties ?? {}).length === 0
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties
    if (member === undefined) continue
    if (typeof known === 'object') object[name] = celValue(known, member, budget)
    else if (isFree) object[name] = celValue(anything, member, budget)
  }
  return object
}

const anything: JsonSchema = {}

/** A text that has not its format stays a text: that is for the schema to refuse. */
function textValue(format: string | undefined, text: string): unknown {
  try {
    if (format === 'date-time') return parseTime(text)
    if (format === 'date') return parseTime(`${text}T00:00:00Z`)
    if (format === 'duration') return parseDuration(text)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return text
  }
  return format === 'byte' ? Buffer.from(text, 'base64') : text
}
