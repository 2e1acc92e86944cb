import type { StatusCause } from '../api-error.js'
import { duplicateValue, hiddenValue, invalidValue, requiredValue } from '../api-error.js'
import { printFieldPath } from '../json/field-path.js'
import { sameValue } from '../json/same-value.js'
import { BudgetSpent, compilePattern, type Pattern, type StepBudget } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { duplicateIndexes, itemIdentity } from './list-items.js'
import { itemMatcher } from './match-items.js'
import { type Show, scalarCauses, typeMismatch } from './scalar-causes.js'

const maxCauses = 20

/** About 50 ms: a whole object may cost no more. */
const objectBudget = 600_000
/** What looking at a value by one schema costs, in steps of a pattern. */
const visitCost = 5

export interface ExplainOptions {
  /** Default true. Without it no cause quotes the value: for secrets. */
  readonly showValues?: boolean
  /** The value that is there already: what is wrong in it and does not change is let be. */
  readonly old?: unknown
  /** Patterns that were compiled before, by their text. */
  readonly patterns?: Map<string, Pattern>
  readonly budget?: StepBudget
}

/** What is wrong with a value, in Kubernetes' words: at most 20 causes, in the order of the fields. Empty: it is as the schema says. */
export function explainFailure(schema: JsonSchema, value: unknown, options: ExplainOptions = {}): StatusCause[] {
  const walk = new Walk(options)
  try {
    walk.visit(schema, value, options.old)
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error
    return [
      {
        reason: 'FieldValueInvalid',
        field: walk.place,
        message: `Invalid value: ${error.message}; the object is too large for its schema`,
      },
    ]
  }
  return walk.causes.slice(0, maxCauses)
}

class Walk {
  readonly causes: StatusCause[] = []
  readonly #path: (string | number)[] = []
  readonly #show: Show
  readonly #patterns: Map<string, Pattern>
  readonly #budget: StepBudget

  constructor({ showValues = true, patterns = new Map(), budget = { left: objectBudget } }: ExplainOptions) {
    this.#show = showValues ? (shown) => shown : () => hiddenValue
    this.#patterns = patterns
    this.#budget = budget
  }

  /** The field that was looked at last. */
  get place(): string {
    return printFieldPath(this.#path)
  }

  visit(schema: JsonSchema, value: unknown, old: unknown): void {
    if (this.causes.length >= maxCauses || (value === null && schema.nullable)) return
    this.#pay(schema)
    if (old !== undefined && this.#path.length > 0 && sameValue(old, value)) return
    const field = this.place
    const mismatch = typeMismatch(schema, value, field)
    if (mismatch) {
      this.causes.push(mismatch)
      return
    }
    this.causes.push(...scalarCauses(schema, value, field, this.#show))
    if (typeof value === 'string' && schema.pattern !== undefined && !this.#pattern(schema.pattern).test(value, this.#budget))
      this.causes.push(invalidValue(field, this.#show(value), `${field} in body should match '${schema.pattern}'`))
    if (Array.isArray(value)) this.#visitItems(schema, value, old, field)
    else if (typeof value === 'object' && value !== null) this.#visitMembers(schema, value as Record<string, unknown>, old, field)
    this.#visitLogic(schema, value, field)
  }

  #visitMembers(schema: JsonSchema, object: Record<string, unknown>, old: unknown, field: string): void {
    for (const name of schema.required ?? [])
      if (!Object.hasOwn(object, name) || object[name] === undefined) this.causes.push(requiredValue(field ? `${field}.${name}` : name))
    this.causes.push(...sizeCauses(schema, object, field))
    const before = asObject(old)
    for (const [name, member] of Object.entries(object)) {
      if (member === undefined) continue
      const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties
      if (typeof known !== 'object') continue
      this.#path.push(name)
      this.visit(known, member, before && Object.hasOwn(before, name) ? before[name] : undefined)
      this.#path.pop()
    }
  }

  #visitItems(schema: JsonSchema, items: readonly unknown[], old: unknown, field: string): void {
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
    const itemBefore = Array.isArray(old) ? itemMatcher(schema, old) : undefined
    for (const [index, item] of items.entries()) {
      if (!schema.items || this.causes.length >= maxCauses) return
      this.#path.push(index)
      this.visit(schema.items, item, itemBefore?.(item))
      this.#path.pop()
    }
  }

  #visitLogic(schema: JsonSchema, value: unknown, field: string): void {
    for (const branch of schema.allOf ?? []) this.visit(branch, value, undefined)
    if (schema.anyOf && !schema.anyOf.some((branch) => this.#fits(branch, value)))
      this.causes.push(invalidValue(field, this.#show(value), `${field} must validate at least one schema (anyOf)`))
    if (schema.oneOf) {
      const fitting = schema.oneOf.filter((branch) => this.#fits(branch, value)).length
      if (fitting !== 1)
        this.causes.push(
          invalidValue(
            field,
            this.#show(value),
            `${field} must validate one and only one schema (oneOf). Found ${fitting || 'none'} valid`,
          ),
        )
    }
    if (schema.not && this.#fits(schema.not, value))
      this.causes.push(invalidValue(field, this.#show(value), `${field} must not validate the schema (not)`))
  }

  #fits(schema: JsonSchema, value: unknown): boolean {
    const walk = new Walk({ patterns: this.#patterns, budget: this.#budget })
    walk.visit(schema, value, undefined)
    return walk.causes.length === 0
  }

  #pattern(text: string): Pattern {
    const known = this.#patterns.get(text)
    if (known) return known
    const pattern = compilePattern(text)
    this.#patterns.set(text, pattern)
    return pattern
  }

  #pay({ enum: values, required }: JsonSchema): void {
    this.#budget.left -= visitCost + (values?.length ?? 0) + (required?.length ?? 0)
    if (this.#budget.left < 0) throw new BudgetSpent('checking it takes too long')
  }
}

function sizeCauses({ minProperties, maxProperties }: JsonSchema, object: object, field: string): StatusCause[] {
  if (minProperties === undefined && maxProperties === undefined) return []
  const size = Object.keys(object).length
  if (maxProperties !== undefined && size > maxProperties)
    return [{ reason: 'FieldValueTooMany', field, message: `Too many: ${size}: must have at most ${maxProperties} properties` }]
  return minProperties !== undefined && size < minProperties
    ? [invalidValue(field, size, `${field} in body should have at least ${minProperties} properties`)]
    : []
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}
