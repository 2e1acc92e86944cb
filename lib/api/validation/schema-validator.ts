/**
 * Judges objects by their structural schema. ajv decides, fast, and stops at the first failure; only then does a bounded walk
 * (explain-failure.ts) name up to 20 causes in the words that Kubernetes uses.
 *
 *     const validate = createSchemaValidator(Task.schema)     // nothing compiled yet
 *     validate(object)                                        // [] or causes: spec.restartPolicy: Unsupported value: "Nevr": …
 */
import { Ajv, type ValidateFunction } from 'ajv'
import type { StatusCause } from '../api-error.js'
import { hasBigint } from '../json/print-json.js'
import type { Pattern } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { explainFailure } from './explain-failure.js'
import { isBase64, isDateTime, isInt32, isInt64, isIntOrString, isQuantity } from './formats.js'
import { hasDuplicates } from './list-items.js'

export type SchemaValidator = (value: unknown, old?: unknown) => readonly StatusCause[]

/**
 * A validator without a compiler, for schemas that users give: compiling a large one would hold everybody else up for seconds. What is
 * wrong in `old` and has not changed is let be.
 */
export function createSchemaWalk(schema: JsonSchema): SchemaValidator {
  const patterns = new Map<string, Pattern>()
  return (value, old) => {
    const causes = explainFailure(schema, value, { patterns })
    return causes.length === 0 || old === undefined ? causes : explainFailure(schema, value, { patterns, old })
  }
}

/** A validator that is compiled when it is first used. Without `showValues` no cause quotes what is wrong: for secrets. */
export function createSchemaValidator(schema: JsonSchema, { showValues = true } = {}): SchemaValidator {
  let compiled: ValidateFunction | undefined
  return (value) => {
    compiled ??= compiledOf(schema)
    if (compiled(value)) return []
    const causes = explainFailure(schema, value, { showValues })
    if (causes.length > 0) return causes
    return hasBigint(value) && compiled(withDoubles(value)) ? [] : [firstError(compiled)]
  }
}

/** A schema of a kind lives as long as the process and never changes: the servers of a process share what is made of it. */
const compiledSchemas = new WeakMap<JsonSchema, ValidateFunction>()

function compiledOf(schema: JsonSchema): ValidateFunction {
  const known = compiledSchemas.get(schema)
  if (known) return known
  const made = createAjv().compile(schema)
  compiledSchemas.set(schema, made)
  return made
}

function createAjv(): Ajv {
  // That the schemas of kinds are schemas at all is a matter of a test: compiling JSON Schema's own would take longer than a kind's.
  const options = { meta: false, validateSchema: false, strict: true, strictTypes: false, allErrors: false, ownProperties: true } as const
  const ajv = new Ajv({ ...options, logger: false })
  ajv.addFormat('date-time', { type: 'string', validate: isDateTime })
  ajv.addFormat('byte', { type: 'string', validate: isBase64 })
  ajv.addFormat('quantity', { type: 'string', validate: isQuantity })
  ajv.addFormat('int64', { type: 'number', validate: isInt64 })
  ajv.addFormat('int32', { type: 'number', validate: isInt32 })
  ajv.addFormat('double', true)
  ajv.addFormat('float', true)
  ajv.addKeyword({
    keyword: 'x-kubernetes-int-or-string',
    errors: false,
    compile: (_on, parent) => (value: unknown) => isIntOrString(value, parent.format),
  })
  ajv.addKeyword({
    keyword: 'x-kubernetes-list-type',
    type: 'array',
    errors: false,
    compile: (_listType, parent) => (items: unknown[]) => !hasDuplicates(parent as JsonSchema, items),
  })
  for (const keyword of annotations) ajv.addKeyword(keyword)
  return ajv
}

/** Words that say nothing about a single value. */
const annotations = [
  'x-kubernetes-list-map-keys',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-validations',
  'x-millrace-foreign',
]

/** ajv knows no bigint: it judges everything else on doubles near them, after the walk has judged the integers themselves. */
function withDoubles(value: unknown): unknown {
  if (typeof value === 'bigint') return Math.min(Number(value), largestInt64Double)
  if (Array.isArray(value)) return value.map(withDoubles)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withDoubles(member)]))
}
const largestInt64Double = 2 ** 63 - 1024

/** For keywords that the walk does not know. */
function firstError(compiled: ValidateFunction): StatusCause {
  const error = compiled.errors?.[0]
  const field = (error?.instancePath ?? '')
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.')
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${error?.message ?? 'does not match the schema'}` }
}
