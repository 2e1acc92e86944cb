import { badRequest, conflict, forbidden, notFound } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { bindableResources, TokenRequest } from '../../../lib/api/kinds/token-request.js'
import { timestamp } from '../../../lib/base/clock.js'
import type { TokenOrder } from '../../auth/tokens/service-account-tokens.js'
import { maxTokenLifeMs } from '../../auth/tokens/signing-keys.js'
import { readQuestion } from '../../registry/read-question.js'
import type { ServerParts } from '../server-parts.js'
import { requirePlain } from '../shape/negotiate.js'
import { sendValue } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { receiveObject } from '../wire/request-body.js'
import { requestContext } from '../wire/request-context.js'

/** Answers `POST …/serviceaccounts/NAME/token`: the request with its token. A dry run makes none. */
export async function createToken(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  const { namespace, name } = info
  authorize(parts.authorizer, accessOf(user, info))
  requirePlain(request.headers.accept)
  const context = requestContext(exchange)
  const body = await receiveObject(request, parts.limits.bounds.maxBodyBytes)
  const question = readQuestion(TokenRequest as unknown as Kind, body, context) as unknown as TokenRequest
  const account = parts.registry.get({ kind, namespace, name })
  assertSame('name', question.metadata.name, name)
  assertSame('namespace', question.metadata.namespace, namespace)
  if ((JSON.parse(account.bytes.toString()) as KubeObject).metadata.deletionTimestamp)
    throw forbidden({ group: kind.group, resource: kind.plural, name }, 'it is being deleted')
  const { spec } = question
  const lifeMs = Math.min(spec.expirationSeconds * 1000, maxTokenLifeMs)
  if (lifeMs < spec.expirationSeconds * 1000)
    context.warn(`requested expiration of ${spec.expirationSeconds} seconds shortened to ${lifeMs / 1000} seconds`)
  const bound = boundObject(parts, namespace, spec.boundObjectRef)
  const order = {
    namespace,
    serviceAccount: { name, uid: account.uid },
    audiences: spec.audiences?.length ? spec.audiences : [parts.tokens.serviceAccounts.issuer],
    lifeMs,
    ...(bound ? { bound } : {}),
  }
  const answer = {
    ...question,
    metadata: { name, namespace, creationTimestamp: timestamp(parts.clock.now()) },
    spec: { ...spec, audiences: order.audiences, expirationSeconds: lifeMs / 1000 },
  }
  if (context.dryRun) return sendValue(response, 201, answer)
  const { token, expiresAtMs } = await parts.tokens.serviceAccounts.issue(order)
  sendValue(response, 201, { ...answer, status: { token, expirationTimestamp: timestamp(expiresAtMs) } })
}

function assertSame(field: string, given: string | undefined, expected: string): void {
  if (given && given !== expected) throw badRequest(`metadata.${field}: ${JSON.stringify(given)} is not that of the URL, ${expected}`)
}

function boundObject(parts: ServerParts, namespace: string, ref: TokenRequest['spec']['boundObjectRef']): TokenOrder['bound'] {
  if (!ref) return undefined
  const { apiVersion = '', kind = '', name = '', uid } = ref
  const target = bindableResources[`${apiVersion}/${kind}`]
  if (!target) throw badRequest(`spec.boundObjectRef: ${apiVersion}, Kind=${kind} cannot be bound to`)
  const subject = { group: target.group, resource: target.resource, name }
  const stored = parts.store.get({ ...subject, namespace })
  if (!stored) throw notFound(subject)
  if (uid !== undefined && uid !== stored.uid)
    throw conflict(subject, `the UID in the bound object reference (${uid}) does not match the UID in record (${stored.uid})`)
  return { claim: target.claim, name, uid: stored.uid }
}
