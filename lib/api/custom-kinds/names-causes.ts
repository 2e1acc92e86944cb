import { invalidValue, type StatusCause } from '../api-error.js'
import type { DefinedNames } from '../kinds/custom-resource-definition.js'

/** DNS-1035: as a label, and begins with a letter. */
export function isName(text: string): boolean {
  return text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text)
}

export const nameText =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name', or 'abc-123')"

/** What is wrong with the names of a kind. */
export function namesCauses({ plural, singular, kind, listKind, shortNames = [], categories = [] }: DefinedNames): StatusCause[] {
  const causes: StatusCause[] = []
  const check = (field: string, name: string | undefined) => {
    if (name && !isName(name.toLowerCase()))
      causes.push(invalidValue(`spec.names.${field}`, name, `may have mixed case, but should otherwise match: ${nameText}`))
  }
  const checkLower = (field: string, name: string | undefined) => {
    if (name && !isName(name)) causes.push(invalidValue(`spec.names.${field}`, name, nameText))
  }
  if (!isName(plural)) causes.push(invalidValue('spec.names.plural', plural, nameText))
  if (kind === '') causes.push(invalidValue('spec.names.kind', kind, nameText))
  checkLower('singular', singular)
  check('kind', kind)
  check('listKind', listKind)
  if (kind === listKind) causes.push(invalidValue('spec.names.listKind', listKind, 'kind and listKind may not be the same'))
  for (const [index, name] of shortNames.entries()) checkLower(`shortNames[${index}]`, name)
  for (const [index, name] of categories.entries()) checkLower(`categories[${index}]`, name)
  return causes
}
