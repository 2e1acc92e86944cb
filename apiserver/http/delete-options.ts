import { badRequest, forbiddenField, invalid, notSupported } from '../../lib/api/api-error.js'
import { printJson } from '../../lib/api/json/print-json.js'
import type { DeleteOptions } from '../registry/registry.js'
import type { Exchange } from './exchange.js'
import { decodeBody, objectTypes, receiveBytes, requireMediaType } from './request-body.js'
import { parseDryRun } from './request-context.js'

export interface DeleteRequest {
  readonly options: DeleteOptions
  readonly dryRun: boolean
}

/** Reads what a DELETE says: its body when it has one, else its query. */
export async function receiveDeleteOptions(exchange: Exchange, maxBodyBytes: number): Promise<DeleteRequest> {
  const { request, info } = exchange
  const type = requireMediaType(request, objectTypes)
  const bytes = await receiveBytes(request, maxBodyBytes)
  if (bytes.length === 0) return fromQuery(info.query)
  const { value } = decodeBody(bytes, type)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body of a DELETE must be DeleteOptions')
  const body = value as Record<string, unknown>
  if (body.kind !== undefined && body.kind !== 'DeleteOptions')
    throw badRequest(`the body of a DELETE must be DeleteOptions, not ${printJson(body.kind)}`)
  return fromFields(body)
}

function fromQuery(query: URLSearchParams): DeleteRequest {
  const text = (name: string) => query.get(name) || undefined
  const grace = text('gracePeriodSeconds')
  const orphan = text('orphanDependents')
  return fromFields({
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
    propagationPolicy: text('propagationPolicy'),
    orphanDependents: orphan === undefined ? undefined : orphan === 'true',
    dryRun: query.getAll('dryRun'),
  })
}

function fromFields(fields: Record<string, unknown>): DeleteRequest {
  const { gracePeriodSeconds: grace, propagationPolicy, orphanDependents, preconditions } = fields
  const dryRun = fields.dryRun ?? []
  if (grace !== undefined && grace !== null && !Number.isInteger(grace)) throw badRequest('gracePeriodSeconds must be an integer')
  if (!Array.isArray(dryRun)) throw badRequest('dryRun must be a list')
  const policy = policyOf(propagationPolicy, orphanDependents)
  const conditions = preconditionsOf(preconditions)
  return {
    dryRun: parseDryRun(dryRun),
    options: {
      ...(grace === undefined || grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
      ...(policy === undefined ? {} : { propagationPolicy: policy }),
      ...(conditions === undefined ? {} : { preconditions: conditions }),
    },
  }
}

function policyOf(policy: unknown, orphan: unknown): DeleteOptions['propagationPolicy'] {
  const causes = []
  if (policy !== undefined && policy !== null && orphan !== undefined && orphan !== null)
    causes.push(forbiddenField('propagationPolicy', 'orphanDependents and deletionPropagation cannot be both set'))
  const known = policy === undefined || policy === null || policy === 'Background' || policy === 'Foreground' || policy === 'Orphan'
  if (!known) causes.push(notSupported('propagationPolicy', policy, 'supported values: "Background", "Foreground", "Orphan"'))
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', resource: '', kind: 'DeleteOptions' }, causes)
  if (known && policy) return policy
  return orphan === undefined || orphan === null ? undefined : orphan ? 'Orphan' : 'Background'
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object') throw badRequest('preconditions must be an object')
  const { uid, resourceVersion } = value as { uid?: unknown; resourceVersion?: unknown }
  return {
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' && resourceVersion !== '' ? { resourceVersion } : {}),
  }
}
