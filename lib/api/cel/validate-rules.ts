import { invalidValue, type StatusCause } from '../api-error.js'
import { printFieldPath } from '../json/field-path.js'
import { sameValue } from '../json/same-value.js'
import { BudgetSpent } from '../pattern/compile-pattern.js'
import { itemMatcher } from '../validation/match-items.js'
import { evaluateCel, type Variables } from './cel-evaluator.js'
import type { CelContext } from './cel-function.js'
import { CelError, CelOptional } from './cel-value.js'
import type { RulePlace, SchemaRule } from './schema-rules.js'
import { celValue } from './schema-values.js'

/** Some 50 ms: all rules of an object together may cost no more. */
const objectBudget = 150_000
const maxCauses = 20
const maxMessage = 5_000

/**
 * What the rules say of an object; `old` is absent when there was none. What was broken before and has not
 * changed is let be. Patterns are kept in `patterns` between objects.
 */
export function validateRules(place: RulePlace, object: unknown, old: unknown, patterns: CelContext['patterns']): StatusCause[] {
  const walk = new RuleWalk({ budget: { left: objectBudget }, patterns })
  try {
    walk.visit(place, object, old)
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error
    walk.causes.push(
      invalidValue(
        walk.path,
        typeName(object),
        `validation of the object was not completed: ${error.message}; use smaller lists or simpler rules`,
      ),
    )
  }
  return walk.causes.slice(0, maxCauses)
}

class RuleWalk {
  readonly causes: StatusCause[] = []
  readonly #path: (string | number)[] = []

  constructor(private readonly context: CelContext) {}

  get path(): string {
    return printFieldPath(this.#path)
  }

  visit(place: RulePlace, value: unknown, old: unknown): void {
    if (value === null || value === undefined || this.causes.length >= maxCauses) return
    if (place.rules.length > 0) this.#judge(place, value, old)
    if (Array.isArray(value)) {
      if (place.items) this.#visitItems(place, place.items, value, old)
      return
    }
    if (typeof value !== 'object') return
    const before = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Record<string, unknown>) : {}
    for (const [name, member] of Object.entries(value)) {
      const inside = place.properties.get(name) ?? place.values
      if (!inside) continue
      this.#path.push(name)
      this.visit(inside, member, Object.hasOwn(before, name) ? before[name] : undefined)
      this.#path.pop()
    }
  }

  #visitItems(place: RulePlace, inside: RulePlace, items: readonly unknown[], old: unknown): void {
    const itemBefore = Array.isArray(old) ? itemMatcher(place.schema, old) : undefined
    for (const [index, item] of items.entries()) {
      this.#path.push(index)
      this.visit(inside, item, itemBefore?.(item))
      this.#path.pop()
    }
  }

  #judge({ schema, rules }: RulePlace, value: unknown, old: unknown): void {
    const self = celValue(schema, value, this.context.budget)
    const oldSelf = old === undefined || old === null ? undefined : celValue(schema, old, this.context.budget)
    let unchanged: boolean | undefined
    for (const rule of rules) {
      if (rule.condition.usesOld && oldSelf === undefined && !rule.rule.optionalOldSelf) continue
      const before = rule.rule.optionalOldSelf ? new CelOptional(oldSelf) : oldSelf
      const variables: Variables = { name: 'self', value: self, outer: { name: 'oldSelf', value: before } }
      const failure = this.#failure(rule, variables)
      if (failure === undefined) continue
      unchanged ??= old !== undefined && sameValue(value, old)
      if (!unchanged || rule.condition.usesOld) this.causes.push(causeOf(rule, value, this.path, failure))
    }
  }

  /** What is said of a rule that does not hold. */
  #failure({ rule, condition, message }: SchemaRule, variables: Variables): string | undefined {
    try {
      if (evaluateCel(condition.node, variables, this.context) === true) return undefined
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return `rule evaluation error: ${error.message}: ${rule.rule}`
    }
    return (message && this.#made(message.node, variables)) ?? rule.message ?? `failed rule: ${rule.rule.trim()}`
  }

  /** A message that cannot be made, or is none, is not used. */
  #made(node: SchemaRule['condition']['node'], variables: Variables): string | undefined {
    try {
      const text = evaluateCel(node, variables, this.context)
      return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') && text.length <= maxMessage ? text : undefined
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return undefined
    }
  }
}

function causeOf({ rule }: SchemaRule, value: unknown, path: string, text: string): StatusCause {
  const field = rule.fieldPath === undefined ? path : path === '' ? rule.fieldPath.replace(/^\./, '') : path + rule.fieldPath
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { reason: rule.reason, field, message: `Forbidden: ${text}` }
    case 'FieldValueRequired':
      return { reason: rule.reason, field, message: `Required value: ${text}` }
    case 'FieldValueDuplicate':
      return { reason: rule.reason, field, message: `Duplicate value: ${JSON.stringify(typeName(value))}` }
    default:
      return invalidValue(field, typeof value === 'object' ? typeName(value) : value, text)
  }
}

const typeName = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value)
