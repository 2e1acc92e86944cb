/**
 * The rules of a schema, compiled: `x-kubernetes-validations` of every place in it. A rule sees the
 * value at its place as `self`, and the value before as `oldSelf`.
 */
import type { Environment } from '@marcbachmann/cel-js'
import { invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import type { JsonSchema, ValidationRule } from '../schema/json-schema.js'
import { partsOf } from '../schema/schema-parts.js'
import { createCelEnvironment } from './cel-library.js'
import { type CompiledExpression, compileExpression } from './compile-rule.js'
import { declareSchemaTypes, type TypeOf } from './schema-types.js'

export interface SchemaRule {
  readonly rule: ValidationRule
  readonly condition: CompiledExpression
  readonly message?: CompiledExpression
}

/** The places of a schema that have rules, or hold such places. */
export interface RulePlace {
  readonly schema: JsonSchema
  readonly rules: readonly SchemaRule[]
  readonly properties: ReadonlyMap<string, RulePlace>
  /** Of the items of a list. */
  readonly items?: RulePlace
  /** Of the values of a map. */
  readonly values?: RulePlace
}

/** How many rules there may still be. */
export interface RuleBudget {
  rules: number
}

/** Whether there is any rule in the schema. */
export function hasRules(schema: JsonSchema): boolean {
  return (schema['x-kubernetes-validations']?.length ?? 0) > 0 || partsOf(schema).some((part) => hasRules(part.schema))
}

/** Compiles all rules; undefined when there are none. What cannot be compiled goes to `causes`, with its path. */
export function compileSchemaRules(
  schema: JsonSchema,
  path: string,
  causes: StatusCause[],
  budget: RuleBudget = { rules: Number.POSITIVE_INFINITY },
): RulePlace | undefined {
  if (!hasRules(schema)) return undefined
  return new Compiler(schema, causes, budget).place(schema, path, true)
}

class Compiler {
  readonly #environment = createCelEnvironment()
  readonly #typeOf: TypeOf

  constructor(
    root: JsonSchema,
    private readonly causes: StatusCause[],
    private readonly budget: RuleBudget,
  ) {
    this.#typeOf = declareSchemaTypes(this.#environment, root)
  }

  /** `comparable`: whether the value before can be found at this place. */
  place(schema: JsonSchema, path: string, comparable: boolean): RulePlace | undefined {
    const properties = new Map<string, RulePlace>()
    let items: RulePlace | undefined
    let values: RulePlace | undefined
    for (const part of partsOf(schema)) {
      const isItem = part.path === 'items'
      const inside = this.place(part.schema, `${path}.${part.path}`, comparable && (!isItem || schema['x-kubernetes-list-type'] === 'map'))
      if (!inside) continue
      if (isItem) items = inside
      else if (part.path === 'additionalProperties') values = inside
      else properties.set(part.name, inside)
    }
    const rules = this.#compileAll(schema, path, comparable)
    if (rules.length === 0 && properties.size === 0 && !items && !values) return undefined
    return { schema, rules, properties, ...(items ? { items } : {}), ...(values ? { values } : {}) }
  }

  #compileAll(schema: JsonSchema, path: string, comparable: boolean): SchemaRule[] {
    const rules = schema['x-kubernetes-validations'] ?? []
    if (rules.length === 0) return []
    const place = `${path}.x-kubernetes-validations`
    this.budget.rules -= rules.length
    if (this.budget.rules < 0) {
      this.causes.push({ reason: 'FieldValueTooMany', field: place, message: 'Too many: the definition has too many rules' })
      return []
    }
    const scopes = new Scopes(this.#environment, schema, this.#typeOf(schema))
    return rules.flatMap((rule, index) => this.#compile(rule, `${place}[${index}]`, scopes, comparable) ?? [])
  }

  #compile(rule: ValidationRule, path: string, scopes: Scopes, comparable: boolean): SchemaRule | undefined {
    if (rule.rule.trim() === '') {
      this.causes.push(requiredValue(`${path}.rule`, 'must not be empty'))
      return undefined
    }
    if (rule.fieldPath !== undefined && !hasField(scopes.schema, rule.fieldPath))
      this.causes.push(invalidValue(`${path}.fieldPath`, rule.fieldPath, 'does not refer to a valid field'))
    const environment = rule.optionalOldSelf ? scopes.optional : scopes.plain
    const condition = this.#expression(environment, rule.rule, 'bool', `${path}.rule`)
    const message =
      rule.messageExpression === undefined
        ? undefined
        : this.#expression(environment, rule.messageExpression, 'string', `${path}.messageExpression`)
    if (condition?.usesOld && !comparable)
      this.causes.push(invalidValue(`${path}.rule`, rule.rule, 'oldSelf cannot be used on items of a list that have no keys'))
    if (condition && !condition.usesOld && rule.optionalOldSelf)
      this.causes.push(invalidValue(`${path}.optionalOldSelf`, true, 'may not be set if oldSelf is not used in rule'))
    return condition && { rule, condition, ...(message ? { message } : {}) }
  }

  #expression(environment: Environment, text: string, type: 'bool' | 'string', path: string): CompiledExpression | undefined {
    try {
      return compileExpression(environment, text, type)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      this.causes.push(invalidValue(path, text, `compilation failed: ${error.message}`))
      return undefined
    }
  }
}

/** What the rules of one place see. */
class Scopes {
  #plain: Environment | undefined
  #optional: Environment | undefined

  constructor(
    private readonly environment: Environment,
    readonly schema: JsonSchema,
    private readonly type: string,
  ) {}

  get plain(): Environment {
    this.#plain ??= this.#declare(this.type)
    return this.#plain
  }

  get optional(): Environment {
    this.#optional ??= this.#declare(`optional<${this.type}>`)
    return this.#optional
  }

  #declare(old: string): Environment {
    return this.environment.clone().registerVariable('self', this.type).registerVariable('oldSelf', old)
  }
}

function hasField(schema: JsonSchema, path: string): boolean {
  let at: JsonSchema | undefined = schema
  for (const [, plain, quoted] of path.matchAll(/\.([\w$-]+)|\['([^']+)'\]/g)) {
    const name = plain ?? quoted ?? ''
    at = at && memberSchema(at, name)
  }
  return at !== undefined
}

function memberSchema({ properties, additionalProperties }: JsonSchema, name: string): JsonSchema | undefined {
  if (properties && Object.hasOwn(properties, name)) return properties[name]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}
