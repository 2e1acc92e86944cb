/**
 * The hot path: requests for resources, answered ahead of Express. Generic over kinds: what a kind can
 * do is in its declaration, and no kind has a route of its own.
 */
import { badRequest, methodNotAllowed } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject, ObjectVerb } from '../../../lib/api/define-kind.js'
import type { Target } from '../../registry/registry.js'
import { behind, viewOf } from '../../views/object-view.js'
import { isSession, type ServerParts } from '../server-parts.js'
import { watchMany } from '../watch/watch-many.js'
import { sendNoSuchPath, warningHeader } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { answerContent } from './answer-content.js'
import { answerLog } from './answer-log.js'
import { answerMeasured } from './answer-measured.js'
import { answerQuestion, isQuestion } from './answer-question.js'
import { answerStats } from './answer-stats.js'
import { bindWorkload, bindWorkloads } from './bind-workloads.js'
import { createToken } from './create-token.js'
import { evictObject } from './evict-object.js'
import { objectOf, readMany, readObject } from './read-resource.js'
import { answerScale } from './scale.js'
import { createObject, deleteMany, deleteObject, patchObject, refuseMethod, updateObject } from './write-resource.js'

/** Answers, or throws an ApiError. */
export async function answerResource(parts: ServerParts, exchange: Exchange): Promise<void> {
  const { info, user, response } = exchange
  if (info.group === 'millrace.dev' && info.version === 'v1' && info.namespace === '' && info.name === '') {
    if (info.resource === 'watch' && info.method === 'GET') return watchMany(parts, exchange)
    if (info.resource === 'bindings' && info.verb === 'create') return bindWorkloads(parts, exchange)
  }
  const kind = parts.registry.findKind(info.group, info.version, info.resource)
  if (!kind || !isPlace(kind, exchange) || (info.subresource !== '' && !hasSubresource(kind, info.subresource))) {
    // Who may not know that a resource is absent is told that it is forbidden.
    authorize(parts.authorizer, accessOf(user, info))
    return sendNoSuchPath(response)
  }
  if (kind.definedBy?.deprecation !== undefined) response.appendHeader('Warning', warningHeader(kind.definedBy.deprecation))
  return info.subresource === '' ? answerObject(parts, exchange, kind) : answerSubresource(parts, exchange, kind)
}

/** Whether the kind's objects are where the path points: in a namespace or not. A list may span all namespaces. */
function isPlace(kind: Kind, { info }: Exchange): boolean {
  if (kind.scope === 'Cluster') return info.namespace === ''
  return info.namespace !== '' || (info.name === '' && (info.verb === 'list' || info.verb === 'watch'))
}

const hasSubresource = (kind: Kind, name: string) => (kind.subresources as readonly string[]).includes(name)

function answerObject(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info } = exchange
  const isNamed = info.name !== ''
  if (!kind.verbs.includes(info.verb as ObjectVerb)) return refuseVerb(parts, exchange, kind)
  if (kind.measured) return answerMeasured(parts, exchange, kind)
  switch (info.verb) {
    case 'get':
      return readObject(parts, exchange, kind)
    case 'list':
    case 'watch':
      return readMany(parts, exchange, kind)
    case 'create':
      if (isNamed) return refuseMethod(exchange)
      return isQuestion(kind) ? answerQuestion(parts, exchange, kind) : createObject(parts, exchange, kind)
    case 'update':
      return isNamed ? updateObject(parts, exchange, targetOf(exchange, kind, '')) : refuseMethod(exchange)
    case 'patch':
      return isNamed ? patchObject(parts, exchange, targetOf(exchange, kind, '')) : refuseMethod(exchange)
    case 'delete':
      return deleteObject(parts, exchange, kind)
    case 'deletecollection':
      return deleteMany(parts, exchange, kind)
    default:
      return refuseMethod(exchange)
  }
}

/** Throws MethodNotAllowed, and for a view says what to write instead. */
function refuseVerb(parts: ServerParts, exchange: Exchange, kind: Kind): never {
  const { user, info } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  const { plural, verbs } = kind
  if (!kind.viewOf) throw methodNotAllowed(`${info.verb} is not allowed on ${plural}: they answer to ${verbs.join(', ')}`)
  const instead = info.name === '' ? kind.viewOf : [behind(kind, info.namespace, info.name).kind]
  throw methodNotAllowed(
    `${info.verb} is not allowed on ${plural}: they are a view of ${kind.viewOf.map((one) => one.plural).join(' and ')} and are not written themselves; ${info.verb} ${instead.map((one) => `a ${one.kind} (${one.apiVersion})`).join(' or ')} instead`,
  )
}

function answerSubresource(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { verb, subresource } = exchange.info
  if (kind.viewOf) return answerThroughView(parts, exchange, kind)
  if (subresource === 'log')
    return verb === 'get' ? answerLog(parts, exchange, targetOf(exchange, kind, ''), exchange.info.query) : refuseMethod(exchange)
  if (subresource === 'content') return verb === 'get' ? answerContent(parts, exchange, kind) : refuseMethod(exchange)
  if (subresource === 'stats') return verb === 'get' ? answerStats(parts, exchange, kind) : refuseMethod(exchange)
  if (isSession(subresource)) return refuseWithoutUpgrade(parts, exchange)
  if (subresource === 'token') return verb === 'create' ? createToken(parts, exchange, kind) : refuseMethod(exchange)
  if (subresource === 'binding') return verb === 'create' ? bindWorkload(parts, exchange, kind) : refuseMethod(exchange)
  if (subresource === 'eviction') return answerEviction(parts, exchange, kind)
  if (subresource === 'scale') return answerScale(parts, exchange, kind)
  const part = subresource as Target['subresource']
  if (verb === 'update') return updateObject(parts, exchange, targetOf(exchange, kind, part))
  if (part === 'finalize') return refuseMethod(exchange)
  if (verb === 'get') return readObject(parts, exchange, kind)
  if (verb === 'patch') return patchObject(parts, exchange, targetOf(exchange, kind, part))
  return refuseMethod(exchange)
}

/** What is a session is answered by the upgrade listener; a request that came here asks for no upgrade. */
async function refuseWithoutUpgrade({ authorizer }: ServerParts, exchange: Exchange): Promise<void> {
  const { info, user } = exchange
  authorize(authorizer, accessOf(user, info))
  if (info.method !== 'GET' && info.method !== 'POST') return refuseMethod(exchange)
  throw badRequest(`${info.subresource} needs a connection that is upgraded to websocket or SPDY/3.1`)
}

async function answerEviction(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  authorize(parts.authorizer, accessOf(exchange.user, exchange.info))
  return exchange.info.verb === 'create' ? evictObject(parts, exchange, kind) : refuseMethod(exchange)
}

/** What can be done with an object of a view is done with the one behind it, judged as what was asked for. */
async function answerThroughView(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user } = exchange
  if (info.subresource === 'eviction') return answerEviction(parts, exchange, kind)
  authorize(parts.authorizer, accessOf(user, info))
  const shown = objectOf(parts, exchange, kind)
  const source = behind(kind, info.namespace, info.name)
  if (info.subresource !== 'log') return answerSubresource(parts, exchange, source.kind)
  if (info.verb !== 'get') return refuseMethod(exchange)
  const query = viewOf(kind)?.logQuery(JSON.parse(shown.bytes.toString()) as KubeObject, info.query) ?? info.query
  return answerLog(parts, exchange, source, query)
}

function targetOf({ info }: Exchange, kind: Kind, subresource: Target['subresource']): Target {
  return { kind, namespace: info.namespace, name: info.name, subresource }
}
