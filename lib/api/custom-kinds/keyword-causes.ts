import { forbiddenField, invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'

type Test = { readonly is: (value: unknown) => boolean; readonly text: string }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const text: Test = { is: (value) => typeof value === 'string', text: 'must be a string' }
const flag: Test = { is: (value) => typeof value === 'boolean', text: 'must be a boolean' }
const number: Test = { is: (value) => typeof value === 'number' || typeof value === 'bigint', text: 'must be a number' }
const count: Test = { is: (value) => Number.isInteger(value) && (value as number) >= 0, text: 'must be an integer that is not negative' }
const object: Test = { is: isObject, text: 'must be an object' }
const list: Test = { is: Array.isArray, text: 'must be a list' }
const anything: Test = { is: () => true, text: '' }
const texts: Test = {
  is: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  text: 'must be a list of strings',
}
const objectOrFlag: Test = { is: (value) => isObject(value) || typeof value === 'boolean', text: 'must be a schema or a boolean' }
const positive: Test = { is: (value) => typeof value === 'number' && value > 0, text: 'must be a number above 0' }
const oneOf = (...values: string[]): Test => ({
  is: (value) => values.includes(value as string),
  text: `supported values: ${values.map((value) => JSON.stringify(value)).join(', ')}`,
})

/** Every word that a schema may use, and what its value must be. */
const words: Readonly<Record<string, Test>> = {
  title: text,
  description: text,
  example: anything,
  externalDocs: object,
  type: oneOf('object', 'array', 'string', 'integer', 'number', 'boolean'),
  format: text,
  default: anything,
  enum: list,
  nullable: flag,
  pattern: text,
  minLength: count,
  maxLength: count,
  minimum: number,
  maximum: number,
  exclusiveMinimum: flag,
  exclusiveMaximum: flag,
  multipleOf: positive,
  minItems: count,
  maxItems: count,
  uniqueItems: flag,
  minProperties: count,
  maxProperties: count,
  required: texts,
  properties: object,
  additionalProperties: objectOrFlag,
  items: object,
  allOf: list,
  anyOf: list,
  oneOf: list,
  not: object,
  'x-kubernetes-preserve-unknown-fields': flag,
  'x-kubernetes-embedded-resource': flag,
  'x-kubernetes-int-or-string': flag,
  'x-kubernetes-list-type': oneOf('atomic', 'set', 'map'),
  'x-kubernetes-list-map-keys': texts,
  'x-kubernetes-map-type': oneOf('atomic', 'granular'),
  'x-kubernetes-validations': list,
}

/** Every word of a rule. */
const ruleWords: Readonly<Record<string, Test>> = {
  rule: text,
  message: { is: (value) => typeof value === 'string' && !/[\r\n]/.test(value) && value.trim() !== '', text: 'must be a line of text' },
  messageExpression: text,
  reason: oneOf('FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'),
  fieldPath: {
    is: (value) => typeof value === 'string' && /^(\.[A-Za-z_$][\w$-]*|\['[^']+'\])+$/.test(value),
    text: 'must be the path of a field, like .spec.size',
  },
  optionalOldSelf: flag,
}

/** What is wrong with the words of one schema, not looking into the schemas within it. */
export function keywordCauses(schema: Readonly<Record<string, unknown>>, path: string): StatusCause[] {
  const causes = wordCauses(words, schema, path)
  const rules = schema['x-kubernetes-validations']
  if (!Array.isArray(rules)) return causes
  for (const [index, rule] of rules.entries()) {
    const place = `${path}.x-kubernetes-validations[${index}]`
    if (!isObject(rule)) causes.push(invalidValue(place, rule, 'must be an object'))
    else if (rule.rule === undefined) causes.push(requiredValue(`${place}.rule`))
    else causes.push(...wordCauses(ruleWords, rule, place))
  }
  return causes
}

function wordCauses(known: Readonly<Record<string, Test>>, schema: Readonly<Record<string, unknown>>, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [word, value] of Object.entries(schema)) {
    const place = `${path}.${word}`
    const test = Object.hasOwn(known, word) ? known[word] : undefined
    if (!test) causes.push(forbiddenField(place, `${word} is not supported`))
    else if (word === 'items' && Array.isArray(value)) causes.push(forbiddenField(place, 'items must be a schema object and not an array'))
    else if (!test.is(value))
      causes.push(test.text.startsWith('supported') ? notSupported(place, value, test.text) : invalidValue(place, value, test.text))
    else if (word === 'uniqueItems' && value === true)
      causes.push(forbiddenField(place, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'))
  }
  return causes
}
