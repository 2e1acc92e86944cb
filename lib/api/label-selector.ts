/** Label selectors: `app=web,tier in (a,b),!canary,size>3`. */
import { badRequest } from './api-error.js'
import { isLabelValue, isQualifiedName } from './names.js'

export type LabelOperator = '=' | '!=' | 'in' | 'notin' | 'exists' | 'absent' | '>' | '<'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

/** All requirements must hold; the empty selector matches everything. */
export type LabelSelector = readonly LabelRequirement[]

/** Terms and values of one selector: each is compared with every object that is looked at. */
export const maxSelectorTerms = 1000

/** Parses kubectl's selector grammar. Throws BadRequest that shows the part. */
export function parseLabelSelector(text: string): LabelSelector {
  const selector = splitTerms(text).map(parseTerm)
  const size = selectorSize(selector)
  if (size > maxSelectorTerms) throw badRequest(`a selector has at most ${maxSelectorTerms} terms and values, not ${size}`)
  return selector
}

/** How many terms and values it has. */
export function selectorSize(selector: LabelSelector): number {
  return selector.reduce((sum, { values }) => sum + Math.max(1, values.length), 0)
}

/** The selector as a query has it. */
export function printLabelSelector(selector: LabelSelector): string {
  return selector.map(printRequirement).join(',')
}

function printRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case 'absent':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    default:
      return `${key}${operator}${values[0] ?? ''}`
  }
}

/** Whether labels satisfy the selector. `!=` and `notin` also match objects without the key. */
export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every((requirement) => matchesRequirement(requirement, labels))
}

function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
    case '=':
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case '>':
    case '<': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false
      const left = BigInt(value)
      const right = BigInt(values[0] ?? '0')
      return operator === '>' ? left > right : left < right
    }
  }
}

/** Commas separate terms, but not inside parentheses. */
function splitTerms(text: string): string[] {
  if (text.trim() === '') return []
  const terms: string[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === ',' && depth === 0) {
      terms.push(text.slice(start, index))
      start = index + 1
    }
    if (depth < 0 || depth > 1) throw badRequest(`unable to parse requirement: unbalanced parentheses in "${text}"`)
  }
  if (depth !== 0) throw badRequest(`unable to parse requirement: unbalanced parentheses in "${text}"`)
  terms.push(text.slice(start))
  return terms
}

function parseTerm(raw: string): LabelRequirement {
  const term = raw.trim()
  const set = /^([^\s!=<>(),]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term)
  if (set)
    return requirement(
      raw,
      set[1] ?? '',
      set[2] === 'in' ? 'in' : 'notin',
      (set[3] ?? '').split(',').map((value) => value.trim()),
    )
  if (term.startsWith('!')) return requirement(raw, term.slice(1).trim(), 'absent', [])
  const comparison = /^([^\s!=<>(),]+)\s*(==|!=|=|>|<)\s*([^\s!=<>(),]*)$/.exec(term)
  if (!comparison) return requirement(raw, term, 'exists', [])
  const [, key = '', operator = '=', value = ''] = comparison
  return requirement(raw, key, operator === '==' ? '=' : (operator as LabelOperator), [value])
}

function requirement(raw: string, key: string, operator: LabelOperator, values: string[]): LabelRequirement {
  if (!isQualifiedName(key)) throw badRequest(`unable to parse requirement: "${raw.trim()}" has no valid label key`)
  const numeric = operator === '>' || operator === '<'
  for (const value of values)
    if (numeric ? !/^-?\d+$/.test(value) : !isLabelValue(value))
      throw badRequest(`unable to parse requirement: "${value}" in "${raw.trim()}" is no valid ${numeric ? 'integer' : 'label value'}`)
  return { key, operator, values }
}
