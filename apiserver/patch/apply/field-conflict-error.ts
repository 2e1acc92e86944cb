import { ApiError, type ErrorSubject, type StatusCause } from '../../../lib/api/api-error.js'
import { printElements } from '../../../lib/api/managed-fields/field-element.js'
import { pathsOf } from '../../../lib/api/managed-fields/field-set.js'
import type { FieldManager } from '../../../lib/api/managed-fields/managed-entry.js'
import type { FieldConflict } from './apply-configuration.js'

/** So many fields are named; who conflicts in more reads how many they are. */
const maxNamed = 1000

/** 409 in the words that kubectl's users know, with one cause for each field. */
export function fieldConflictError(subject: ErrorSubject, conflicts: readonly FieldConflict[]): ApiError {
  let count = 0
  const found = conflicts
    .map(({ manager, fields }) => {
      const paths = pathsOf(fields)
      const named = paths.slice(0, Math.max(0, maxNamed - count))
      count += paths.length
      return { manager: printManager(manager), paths: named.map(printElements) }
    })
    .filter(({ paths }) => paths.length > 0)
    .sort((left, right) => (left.manager < right.manager ? -1 : 1))
  const causes: StatusCause[] = found.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  )
  const [only] = causes
  const text =
    only && count === 1
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${count} conflicts: ${found.map(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)].join('\n')).join('\n')}${count > causes.length ? `\nand ${count - causes.length} more` : ''}`
  const { name, group, resource } = subject
  return new ApiError('Conflict', `Apply failed with ${text}`, { details: { ...(name ? { name } : {}), group, kind: resource, causes } })
}

function printManager({ manager, operation, apiVersion, subresource }: FieldManager): string {
  const name = `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}
