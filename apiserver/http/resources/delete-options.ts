import { ApiError, badRequest, forbiddenField, invalid, notSupported } from '../../../lib/api/api-error.js'
import { printJson } from '../../../lib/api/json/print-json.js'
import type { DeleteOptions } from '../../registry/registry.js'
import type { Exchange } from '../wire/exchange.js'
import { parseBoolean } from '../wire/query-values.js'
import { decodeBody, objectTypes, receiveBytes, requireMediaType } from '../wire/request-body.js'
import { parseDryRun } from '../wire/request-context.js'

export interface DeleteRequest {
  readonly options: DeleteOptions
  readonly dryRun: boolean
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads what a DELETE says, in its body and in its query. The body wins where both say something, but for dryRun: whoever asks for it
 * anywhere is not deleted for. What is not understood is refused: an option that is passed over deletes more than was meant.
 */
export async function receiveDeleteOptions(exchange: Exchange, maxBodyBytes: number): Promise<DeleteRequest> {
  const { request, info } = exchange
  const type = requireMediaType(request, objectTypes)
  const bytes = await receiveBytes(request, maxBodyBytes)
  return requestOf(bytes.length === 0 ? {} : readFields(decodeBody(bytes, type)), info.query)
}

/** The DeleteOptions that another body has in it, and what the query says with them. */
export function readDeleteOptions(value: unknown, query: URLSearchParams): DeleteRequest {
  return requestOf(readFields({ value: value ?? {}, duplicates: [] }), query)
}

function requestOf(body: Fields, query: URLSearchParams): DeleteRequest {
  const dryRun = body.dryRun ?? []
  if (!Array.isArray(dryRun)) throw badRequest('dryRun must be a list')
  return {
    dryRun: parseDryRun([...dryRun, ...query.getAll('dryRun')]),
    options: toOptions({ ...queryFields(query), ...body }),
  }
}

const known = new Set([
  'kind',
  'apiVersion',
  'gracePeriodSeconds',
  'preconditions',
  'orphanDependents',
  'propagationPolicy',
  'dryRun',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
])

/** The fields that the body sets. */
function readFields({ value, duplicates }: ReturnType<typeof decodeBody>): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body of a DELETE must be DeleteOptions')
  const fields = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined && field !== null))
  if (fields.kind !== undefined && fields.kind !== 'DeleteOptions')
    throw badRequest(`the body of a DELETE must be DeleteOptions, not ${printJson(fields.kind)}`)
  const unknown = Object.keys(fields).filter((field) => !known.has(field))
  refuseLines([...unknown.map((field) => `unknown field "${field}"`), ...duplicates.map((path) => `duplicate field "${path}"`)])
  return fields
}

function queryFields(query: URLSearchParams): Fields {
  const grace = query.get('gracePeriodSeconds') || undefined
  const policy = query.get('propagationPolicy') || undefined
  const orphan = parseBoolean(query, 'orphanDependents')
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: /^-?[0-9]{1,15}$/.test(grace) ? Number(grace) : grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
  }
}

function toOptions(fields: Fields): DeleteOptions {
  const { gracePeriodSeconds: grace, propagationPolicy, orphanDependents: orphan } = fields
  if (grace !== undefined && !Number.isSafeInteger(grace)) throw badRequest('gracePeriodSeconds must be an integer')
  if (orphan !== undefined && typeof orphan !== 'boolean') throw badRequest('orphanDependents must be true or false')
  if (fields.ignoreStoreReadErrorWithClusterBreakingPotential)
    throw refused([forbiddenField('ignoreStoreReadErrorWithClusterBreakingPotential', 'this server stores no object that it cannot read')])
  const policy = policyOf(propagationPolicy, orphan)
  const preconditions = preconditionsOf(fields.preconditions)
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(preconditions === undefined ? {} : { preconditions }),
  }
}

function policyOf(policy: unknown, orphan: boolean | undefined): DeleteOptions['propagationPolicy'] {
  if (policy !== undefined && orphan !== undefined)
    throw refused([forbiddenField('propagationPolicy', 'orphanDependents and deletionPropagation cannot be both set')])
  if (policy === 'Background' || policy === 'Foreground' || policy === 'Orphan') return policy
  if (policy !== undefined)
    throw refused([notSupported('propagationPolicy', policy, 'supported values: "Background", "Foreground", "Orphan"')])
  return orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background'
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('preconditions must be an object')
  const { uid, resourceVersion, ...unknown } = value as Fields
  refuseLines(Object.keys(unknown).map((field) => `unknown field "preconditions.${field}"`))
  for (const [field, condition] of Object.entries({ uid, resourceVersion }))
    if (condition !== undefined && condition !== null && typeof condition !== 'string')
      throw badRequest(`preconditions.${field} must be a string`)
  return {
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' && resourceVersion !== '' ? { resourceVersion } : {}),
  }
}

function refuseLines(lines: readonly string[]): void {
  if (lines.length > 0) throw new ApiError('BadRequest', `strict decoding error: ${lines.slice(0, maxLines).join(', ')}`)
}
const maxLines = 20

const refused = (causes: Parameters<typeof invalid>[1]) => invalid({ group: 'meta.k8s.io', resource: '', kind: 'DeleteOptions' }, causes)
