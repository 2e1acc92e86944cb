import { invalidValue, type StatusCause } from '../api-error.js'
import type { StepBudget } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { partsOf } from '../schema/schema-parts.js'
import { explainFailure } from '../validation/explain-failure.js'
import { shapeValue } from '../validation/shape-value.js'

/**
 * What is wrong with the defaults of a structural schema: each must be what its own schema takes, with no field that pruning would remove.
 */
export function defaultCauses(schema: JsonSchema, path: string, budget: StepBudget): StatusCause[] {
  const causes: StatusCause[] = []
  visit(schema, path, causes, budget)
  return causes
}

function visit(schema: JsonSchema, path: string, causes: StatusCause[], budget: StepBudget): void {
  if (schema.default !== undefined) causes.push(...ownCauses(schema, `${path}.default`, budget))
  for (const part of partsOf(schema)) visit(part.schema, `${path}.${part.path}`, causes, budget)
}

function ownCauses(schema: JsonSchema, path: string, budget: StepBudget): StatusCause[] {
  if (schema.default === null) return schema.nullable ? [] : [invalidValue(path, null, 'must be nullable to have the default null')]
  const value: unknown = structuredClone(schema.default)
  const unknown = shapeValue(schema, value).map((field) =>
    invalidValue(`${path}.${field.path}`, field.path, 'must not have unknown fields'),
  )
  return [...unknown, ...explainFailure(schema, value, { budget }).map((cause) => ({ ...cause, field: joined(path, cause.field ?? '') }))]
}

const joined = (path: string, field: string) => (field === '' ? path : field.startsWith('[') ? path + field : `${path}.${field}`)
