/** Field selectors: `spec.nodeName=n1,status.phase!=Failed`, with `\,`, `\=` and `\\` escaped in values. */
import { badRequest } from './api-error.js'
import { maxSelectorTerms } from './label-selector.js'

export interface FieldRequirement {
  /** The field's path without a leading dot. */
  readonly path: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** All requirements must hold. Throws BadRequest that shows the term. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  const terms = splitTerms(text)
  if (terms.length > maxSelectorTerms) throw badRequest(`a selector has at most ${maxSelectorTerms} terms, not ${terms.length}`)
  return terms.map((term) => {
    const match = /^([^=!]+)(!=|==|=)([\s\S]*)$/.exec(term.trim())
    if (!match) throw badRequest(`invalid selector: "${term}"; can't understand it (expected PATH=VALUE or PATH!=VALUE)`)
    const [, path = '', operator = '=', value = ''] = match
    return { path: path.trim(), operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value, term) }
  })
}

/** The inverse of parseFieldSelector. */
export function printFieldSelector(requirements: readonly FieldRequirement[]): string {
  return requirements.map(({ path, operator, value }) => `${path}${operator}${value.replace(/[\\,=]/g, '\\$&')}`).join(',')
}

/** Whether the fields satisfy the selector; an absent field counts as the empty string. */
export function matchesFields(requirements: readonly FieldRequirement[], fields: Readonly<Record<string, string>>): boolean {
  return requirements.every(({ path, operator, value }) => ((fields[path] ?? '') === value) === (operator === '='))
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let term = ''
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? ''
    if (char === '\\') term += char + (text[++index] ?? '')
    else if (char === ',') {
      terms.push(term)
      term = ''
    } else term += char
  }
  terms.push(term)
  return terms.filter((part) => part.trim() !== '')
}

function unescapeValue(value: string, term: string): string {
  if (/(^|[^\\])(\\\\)*\\([^\\,=]|$)/.test(value)) throw badRequest(`invalid selector: "${term}"; only \\\\, \\, and \\= are escapes`)
  if (/(^|[^\\])(\\\\)*=/.test(value)) throw badRequest(`invalid selector: "${term}"; an = in a value is written \\=`)
  return value.replace(/\\([\\,=])/g, '$1')
}
