import { ApiError, badRequest, isConflict, isNotFound, methodNotAllowed } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import type { DeleteOptions, DeleteResult, PatchType, RequestContext, Target } from '../../registry/registry.js'
import { assertMeant } from '../../views/assert-meant.js'
import { behind, shownObject, sourceNamed, viewOf } from '../../views/object-view.js'
import { readPage } from '../list/list.js'
import { parseListOptions } from '../list/list-options.js'
import type { ServerParts } from '../server-parts.js'
import { negotiate } from '../shape/negotiate.js'
import { sendValue, successStatus } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { decodeBody, decodeConfiguration, mediaTypeOf, receiveBytes, receiveObject } from '../wire/request-body.js'
import { parseForce, requestContext } from '../wire/request-context.js'
import { receiveDeleteOptions } from './delete-options.js'
import { selectionOf, sendObject } from './read-resource.js'

/** Answers create. */
export async function createObject(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  requireAnswerable(exchange)
  const body = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const { object } = await parts.registry.create(kind, info.namespace, body, requestContext(exchange))
  await sendObject(parts, exchange, 201, kind, object)
}

/** Answers update of the object or of a part of it. */
export async function updateObject(parts: ServerParts, exchange: Exchange, target: Target): Promise<void> {
  authorize(parts.authorizer, accessOf(exchange.user, exchange.info))
  requireAnswerable(exchange)
  const body = await receiveObject(exchange.request, parts.limits.bounds.maxBodyBytes)
  const assertMayCreate = () => authorize(parts.authorizer, { ...accessOf(exchange.user, exchange.info), verb: 'create' })
  const { object, created } = await parts.registry.update(target, body, requestContext(exchange), { assertMayCreate })
  await sendObject(parts, exchange, created ? 201 : 200, target.kind, object)
}

/** Answers patch of the object or of a part of it. Apply is a patch that may create. */
export async function patchObject(parts: ServerParts, exchange: Exchange, target: Target): Promise<void> {
  authorize(parts.authorizer, accessOf(exchange.user, exchange.info))
  requireAnswerable(exchange)
  const type = patchTypeOf(exchange, target.kind)
  const force = parseForce(exchange, type === applyType)
  const context = requestContext(exchange)
  const bytes = await receiveBytes(exchange.request, parts.limits.bounds.maxBodyBytes)
  if (type === applyType) {
    const assertMayCreate = () => authorize(parts.authorizer, { ...accessOf(exchange.user, exchange.info), verb: 'create' })
    const { object, created } = await parts.registry.apply(target, decodeConfiguration(bytes), { force, assertMayCreate }, context)
    return sendObject(parts, exchange, created ? 201 : 200, target.kind, object)
  }
  const { object } = await parts.registry.patch(target, type, decodeBody(bytes, 'application/json'), context)
  await sendObject(parts, exchange, 200, target.kind, object)
}

/** Answers delete: the object while it waits for its finalizers, a Status once it is gone. */
export async function deleteObject(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, response } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  const { options, dryRun } = await receiveDeleteOptions(exchange, parts.limits.bounds.maxBodyBytes)
  const { namespace, name } = info
  const { object, gone } = await endObject(parts, { kind, namespace, name }, options, requestContext(exchange, dryRun))
  if (!gone) return sendObject(parts, exchange, 200, kind, object)
  sendValue(response, 200, successStatus({ name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, uid: object.uid }))
}

/** Answers deletecollection. What somebody else deletes meanwhile is no failure. */
export async function deleteMany(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, response } = exchange
  const selection = selectionOf(parts, exchange, kind)
  authorize(parts.authorizer, accessOf(user, info, selection.fieldEquals))
  const { options, dryRun } = await receiveDeleteOptions(exchange, parts.limits.bounds.maxBodyBytes)
  const context = requestContext(exchange, dryRun)
  const { objects } = await readPage(parts, selection, parseListOptions(info.query))
  for (let start = 0; start < objects.length; start += deletesAtOnce)
    await Promise.all(
      objects.slice(start, start + deletesAtOnce).map(async ({ key, uid }) => {
        const preconditions = { ...options.preconditions, uid: options.preconditions?.uid ?? uid }
        const target = { kind, namespace: key.namespace, name: key.name }
        await endObject(parts, target, { ...options, preconditions }, context).catch((error: unknown) => {
          // Gone, or replaced by another object of the name: either way what was listed is no more.
          if (!isNotFound(error) && !(isConflict(error) && options.preconditions === undefined)) throw error
        })
      }),
    )
  sendValue(response, 200, successStatus({ group: kind.group, kind: kind.plural }))
}
const deletesAtOnce = 200

/** Deletes what is stored, or does with what is behind an object of a view what its delete means there. */
async function endObject(
  parts: ServerParts,
  { kind, namespace, name }: Omit<Target, 'subresource'>,
  options: DeleteOptions,
  context: RequestContext,
): Promise<DeleteResult> {
  const target = behind(kind, namespace, name)
  const meant = meantOptions(kind, name, options)
  const view = viewOf(kind)
  if (!view) return parts.registry.delete(target, meant, context)
  if (sourceNamed(view, name).onDelete === 'delete') {
    const { object, gone } = await parts.registry.delete(target, meant, context)
    return { object: shownObject(view, object) ?? object, gone }
  }
  const stopped = await parts.registry.evict(target, meant, context)
  const left = shownObject(view, stopped)
  return { object: left ?? stopped, gone: left === undefined }
}

/** What the client asks of an object of a view is judged on that object, not on the one behind it. */
function meantOptions(kind: Kind, name: string, { preconditions = {}, ...options }: DeleteOptions): DeleteOptions {
  const view = viewOf(kind)
  return view ? { ...options, judge: (stored) => assertMeant(view, name, preconditions, stored) } : { ...options, preconditions }
}

const patchTypes: readonly string[] = [
  'application/merge-patch+json',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
] satisfies PatchType[]

const applyType = 'application/apply-patch+yaml'

export function patchTypeOf({ request }: Exchange, kind: Kind): PatchType | typeof applyType {
  const type = mediaTypeOf(request)
  if (type === applyType) return type
  if (patchTypes.includes(type)) return type as PatchType
  const accepted = `application/json-patch+json, application/merge-patch+json, ${applyType}`
  throw new ApiError('UnsupportedMediaType', `${type} is not a type of patch; ${kind.apiVersion}, Kind=${kind.kind} accepts: ${accepted}`)
}

/** A write is refused before it is done when its answer could not be told. */
function requireAnswerable({ request, info }: Exchange): void {
  negotiate(request.headers.accept, info.query, false)
  if (request.headers.upgrade) throw badRequest('a write cannot be upgraded to another protocol')
}

/** Throws MethodNotAllowed. */
export function refuseMethod(exchange: Exchange): never {
  throw methodNotAllowed(`the server does not allow the method ${exchange.info.method} on the requested resource`)
}
