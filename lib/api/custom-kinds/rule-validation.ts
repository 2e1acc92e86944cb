import { compileSchemaRules, type RulePlace } from '../cel/schema-rules.js'
import { validateRules } from '../cel/validate-rules.js'
import type { Kind } from '../define-kind.js'
import type { Pattern } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'

/**
 * The rules of a schema as a kind's own validation. They are compiled when the
 * first object is judged; they were once, when they were accepted.
 */
export function ruleValidation(schema: JsonSchema): NonNullable<Kind['validate']> {
  const patterns = new Map<string, Pattern>()
  let place: RulePlace | undefined
  return (object, old) => {
    place ??= compileSchemaRules(schema, '', [])
    return place ? validateRules(place, object, old, patterns) : []
  }
}
