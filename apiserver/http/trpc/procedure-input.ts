import { badRequest } from '../../../lib/api/api-error.js'

/** Names one object. `group` is empty for the core group, `namespace` for cluster-scoped kinds; `resource` is the plural. */
export interface ObjectInput {
  readonly group: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

/** What a caller writes: the group may be left out where one kind alone has the plural. */
export interface ObjectInputFields {
  readonly group?: string | undefined
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
}

export interface ParsedObjectInput extends Omit<ObjectInput, 'group'> {
  readonly group: string | undefined
}

/** The input of `why` and `history`. Throws BadRequest. */
export function parseObjectInput(value: unknown): ParsedObjectInput {
  const fields = asRecord(value)
  const { group, resource, namespace = '', name } = fields
  if (typeof resource !== 'string' || typeof name !== 'string' || typeof namespace !== 'string')
    throw badRequest(
      'the input must be {"resource":"tasks","namespace":"default","name":"hello"}, with a group where the resource alone is ambiguous',
    )
  if (group !== undefined && typeof group !== 'string') throw badRequest('group must be a string')
  return { group, resource, namespace, name }
}

/** The input of `summary`: everything, or one namespace. Throws BadRequest. */
export function parseSummaryInput(value: unknown): { readonly namespace: string } {
  if (value === undefined || value === null) return { namespace: '' }
  const { namespace = '' } = asRecord(value)
  if (typeof namespace !== 'string') throw badRequest('namespace must be a string')
  return { namespace }
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw badRequest('the input must be a JSON object')
}
