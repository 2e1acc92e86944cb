/**
 * Bindings. The single form is Kubernetes' own; the bulk form binds many workloads of one kind in one request and one commit:
 *
 *     POST /apis/millrace.dev/v1/bindings
 *     { kind: 'BindingList', resource: 'tasks', items: [{ metadata: { namespace, name, uid? }, target: { kind: 'Node', name } }] }
 */
import { ApiError, badRequest, type ErrorReason, errorReasons } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import type { Binding } from '../../registry/registry.js'
import type { ServerParts } from '../server-parts.js'
import { sendValue, successStatus } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { receiveObject } from '../wire/request-body.js'
import { requestContext } from '../wire/request-context.js'

/** Answers `POST …/NAME/binding`. */
export async function bindWorkload(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  const { value } = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const binding = bindingOf(value, { namespace: info.namespace, name: info.name })
  if (binding.name !== info.name || binding.namespace !== info.namespace)
    throw badRequest(
      `the name of the binding (${binding.namespace}/${binding.name}) does not match the name of the URL (${info.namespace}/${info.name})`,
    )
  const [result] = await parts.registry.bind(kind, [binding], requestContext(exchange))
  if (result?.error)
    throw new ApiError(reasonOf(result.error.reason), result.error.message, {
      code: result.error.code,
      details: { name: info.name, group: kind.group, kind: kind.plural },
    })
  sendValue(response, 201, successStatus(undefined, 201))
}

/** Answers the bulk form. Each binding succeeds or fails on its own. */
export async function bindWorkloads(parts: ServerParts, exchange: Exchange): Promise<void> {
  const { user, request, response } = exchange
  const { value } = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const { resource, items } = isRecord(value) ? value : {}
  const kind = parts.registry.kinds.find((candidate) => candidate.workload && candidate.plural === resource)
  if (!kind) throw badRequest(`resource: ${JSON.stringify(resource)} is not a workload that can be bound`)
  if (!Array.isArray(items) || items.length > maxBindings) throw badRequest(`items must be a list of at most ${maxBindings} bindings`)
  const bindings = items.map((item) => bindingOf(item, { namespace: '', name: '' }))
  for (const { namespace, name } of bindings)
    authorize(parts.authorizer, {
      user,
      verb: 'create',
      group: kind.group,
      resource: kind.plural,
      subresource: 'binding',
      namespace,
      name,
      path: '',
    })
  const results = await parts.registry.bind(kind, bindings, requestContext(exchange))
  sendValue(response, 200, { apiVersion: 'millrace.dev/v1', kind: 'BindingResultList', items: results })
}
const maxBindings = 10_000

function bindingOf(value: unknown, fallback: { namespace: string; name: string }): Binding {
  const { metadata, target } = isRecord(value) ? value : {}
  const meta = isRecord(metadata) ? metadata : {}
  const node = isRecord(target) ? target : {}
  const text = (field: unknown, what: string, otherwise: string) => {
    if (field === undefined || field === null || field === '') return otherwise
    if (typeof field !== 'string') throw badRequest(`${what} must be a string`)
    return field
  }
  const kind = text(node.kind, 'target.kind', 'Node')
  if (kind !== 'Node') throw badRequest(`target.kind must be Node, not ${JSON.stringify(kind)}`)
  const nodeName = text(node.name, 'target.name', '')
  if (nodeName === '') throw badRequest('target.name must name a node')
  const name = text(meta.name, 'metadata.name', fallback.name)
  if (name === '') throw badRequest('metadata.name must name a workload')
  const uid = text(meta.uid, 'metadata.uid', '')
  return { namespace: text(meta.namespace, 'metadata.namespace', fallback.namespace), name, nodeName, ...(uid === '' ? {} : { uid }) }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const reasonOf = (reason: string): ErrorReason => (Object.hasOwn(errorReasons, reason) ? (reason as ErrorReason) : 'InternalError')
