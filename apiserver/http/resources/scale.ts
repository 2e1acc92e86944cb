import { ApiError } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import type { PatchType } from '../../registry/registry.js'
import { waitForAskedRevision } from '../list/freshness.js'
import type { ServerParts } from '../server-parts.js'
import { sendValue } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { decodeBody, receiveBytes, receiveObject } from '../wire/request-body.js'
import { parseForce, requestContext } from '../wire/request-context.js'
import { patchTypeOf, refuseMethod } from './write-resource.js'

/** Answers the subresource `scale`, which is a Scale whatever the kind is. */
export async function answerScale(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  const { verb, namespace, name } = info
  const target = { kind, namespace, name }
  authorize(parts.authorizer, accessOf(user, info))
  const { maxBodyBytes } = parts.limits.bounds
  switch (verb) {
    case 'get':
      await waitForAskedRevision(parts, exchange)
      return sendValue(response, 200, parts.registry.getScale(target))
    case 'update': {
      const body = await receiveObject(request, maxBodyBytes)
      return sendValue(response, 200, await parts.registry.scale(target, 'replace', body, requestContext(exchange)))
    }
    case 'patch': {
      const type = scalePatchType(exchange, kind)
      parseForce(exchange, false)
      const body = decodeBody(await receiveBytes(request, maxBodyBytes), 'application/json')
      return sendValue(response, 200, await parts.registry.scale(target, type, body, requestContext(exchange)))
    }
    default:
      return refuseMethod(exchange)
  }
}

function scalePatchType(exchange: Exchange, kind: Kind): PatchType {
  const type = patchTypeOf(exchange, kind)
  if (type === 'application/merge-patch+json' || type === 'application/json-patch+json') return type
  throw new ApiError('UnsupportedMediaType', `a scale takes application/merge-patch+json and application/json-patch+json, not ${type}`)
}
