import { forbiddenField, invalidValue, requiredValue, type StatusCause } from './api-error.js'
import { type LabelSelector, maxSelectorTerms, selectorSize } from './label-selector.js'
import { isQualifiedName } from './names.js'
import { type Output, t } from './schema/t.js'

/** A label selector as objects hold it: `{ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] }`. */
export const LabelSelectorSchema = t.object({
  matchLabels: t.map(t.string()).describe('Labels with their values.').optional(),
  matchExpressions: t
    .list(
      t.object({
        key: t.string().describe('The label.'),
        operator: t.oneOf('In', 'NotIn', 'Exists', 'DoesNotExist').describe('How the label is compared.'),
        values: t.list(t.string()).describe('The values for In and NotIn.').optional(),
      }),
    )
    .describe('Comparisons that must all hold.')
    .optional(),
})
export type LabelSelectorObject = Output<typeof LabelSelectorSchema>

const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: 'absent' } as const

/** The same selector as requirements; an empty one matches everything. */
export function selectorOf({ matchLabels = {}, matchExpressions = [] }: LabelSelectorObject): LabelSelector {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => ({ key, operator: '=' as const, values: [value] })),
    ...matchExpressions.map(({ key, operator, values = [] }) => ({ key, operator: operators[operator], values })),
  ]
}

/** What no schema can say of a selector: keys, and which operators have values. */
export function validateSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelectorObject, path: string): StatusCause[] {
  const size = selectorSize(selectorOf({ matchLabels, matchExpressions }))
  if (size > maxSelectorTerms) {
    const message = `Too many: ${size}: a selector has at most ${maxSelectorTerms} terms and values`
    return [{ reason: 'FieldValueTooMany', field: path, message }]
  }
  const keys = [
    ...Object.keys(matchLabels).map((key) => ({ key, field: `${path}.matchLabels` })),
    ...matchExpressions.map(({ key }, index) => ({ key, field: `${path}.matchExpressions[${index}].key` })),
  ]
  const wrongKeys = keys.filter(({ key }) => !isQualifiedName(key)).map(({ key, field }) => invalidValue(field, key, 'is not a label key'))
  const wrongValues = matchExpressions.flatMap(({ operator, values = [] }, index) => {
    const field = `${path}.matchExpressions[${index}].values`
    const takesValues = operator === 'In' || operator === 'NotIn'
    if (takesValues && values.length === 0) return [requiredValue(field, `must be specified when the operator is ${operator}`)]
    return !takesValues && values.length > 0 ? [forbiddenField(field, `may not be specified when the operator is ${operator}`)] : []
  })
  return [...wrongKeys, ...wrongValues]
}
