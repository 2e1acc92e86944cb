/**
 * Evictions: how `kubectl drain` empties a node. What is evicted is not deleted:
 * its attempt ends, and where it may, another begins elsewhere.
 *
 *     POST /api/v1/namespaces/NAMESPACE/pods/NAME/eviction
 *     { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions?: { preconditions, gracePeriodSeconds, dryRun } }
 */
import { badRequest, invalid, notSupported } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { printJson } from '../../../lib/api/json/print-json.js'
import type { DeleteOptions, EvictOptions } from '../../registry/registry.js'
import { assertMeant } from '../../views/assert-meant.js'
import { behind, viewOf } from '../../views/object-view.js'
import type { ServerParts } from '../server-parts.js'
import { sendValue, successStatus } from '../wire/answer.js'
import type { Exchange } from '../wire/exchange.js'
import { receiveObject } from '../wire/request-body.js'
import { requestContext } from '../wire/request-context.js'
import type { RequestInfo } from '../wire/request-info.js'
import { type DeleteRequest, readDeleteOptions } from './delete-options.js'

/** Answers the eviction of a workload, or of what a view shows of it. Authorization is done before. */
export async function evictObject(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, request, response } = exchange
  const { value } = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const { options, dryRun } = evictionOf(value, info)
  const { namespace, name } = info
  await parts.registry.evict(behind(kind, namespace, name), evictOptionsOf(kind, name, options), requestContext(exchange, dryRun))
  sendValue(response, 201, successStatus(undefined, 201))
}

/** Who evicts through a view speaks of what it shows: its uid is not that of the object behind. */
function evictOptionsOf(kind: Kind, name: string, { preconditions = {}, ...options }: DeleteOptions): EvictOptions {
  const view = viewOf(kind)
  return view ? { ...options, judge: (stored) => assertMeant(view, name, preconditions, stored) } : { ...options, preconditions }
}

function evictionOf(value: unknown, { name, query }: RequestInfo): DeleteRequest {
  const { apiVersion = 'policy/v1', kind = 'Eviction', metadata, deleteOptions } = recordOf(value, 'the body')
  if (apiVersion !== 'policy/v1' || kind !== 'Eviction')
    throw badRequest(`the body must be an Eviction of policy/v1, not ${printJson(kind)} of ${printJson(apiVersion)}`)
  const named = recordOf(metadata, 'metadata').name
  if (named !== undefined && named !== name)
    throw badRequest(`the name of the eviction (${printJson(named)}) does not match the name of the URL (${name})`)
  const asked = readDeleteOptions(deleteOptions, query)
  const { propagationPolicy: policy } = asked.options
  if (policy !== undefined && policy !== 'Background')
    throw invalid({ group: 'policy', resource: 'evictions', kind: 'Eviction', name }, [
      notSupported('deleteOptions.propagationPolicy', policy, 'an eviction deletes nothing'),
    ])
  return asked
}

function recordOf(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw badRequest(`${what} must be an object`)
  return value as Record<string, unknown>
}
