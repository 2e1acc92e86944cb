import { notFound } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { Event } from '../../../lib/api/kinds/event.js'
import type { StoredObject } from '../../storage/store.js'
import { eventsBehindView } from '../../views/events-behind-view.js'
import { behind, shownObject, viewOf } from '../../views/object-view.js'
import { waitForAskedRevision } from '../list/freshness.js'
import { answerList } from '../list/list.js'
import { parseListOptions } from '../list/list-options.js'
import { createSelection, type Selection } from '../list/selection.js'
import type { ServerParts } from '../server-parts.js'
import { negotiate } from '../shape/negotiate.js'
import { shapeObject } from '../shape/shape-object.js'
import { answerWatch } from '../watch/answer-watch.js'
import { sendJson } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'

/** Answers get. */
export async function readObject(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  authorize(parts.authorizer, accessOf(exchange.user, exchange.info))
  await waitForAskedRevision(parts, exchange)
  await sendObject(parts, exchange, 200, kind, objectOf(parts, exchange, kind))
}

/** The object that the request names, stored or shown by a view. Throws NotFound. */
export function objectOf(parts: ServerParts, { info }: Exchange, kind: Kind): StoredObject {
  const { namespace, name } = info
  const view = viewOf(kind)
  if (!view) return parts.registry.get({ kind, namespace, name })
  const source = behind(kind, namespace, name)
  const stored = parts.store.get({ group: source.kind.group, resource: source.kind.plural, namespace, name: source.name })
  const shown = stored && shownObject(view, stored)
  if (!shown) throw notFound({ group: kind.group, resource: kind.plural, name })
  return shown
}

/** Answers list and watch. */
export async function readMany(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, request, user } = exchange
  const selection = selectionOf(parts, exchange, kind)
  authorize(parts.authorizer, accessOf(user, info, selection.fieldEquals))
  const isWatch = info.verb === 'watch'
  const { shape, stream } = negotiate(request.headers.accept, info.query, isWatch)
  if (!isWatch) return answerList(parts, exchange, selection, parseListOptions(info.query), shape)
  const access = accessOf(user, info, selection.fieldEquals)
  return answerWatch(parts, exchange, { selections: [selection], access: [access], shape, stream })
}

/** What a list, watch or deletecollection is about. A watch of one name selects that name. */
export function selectionOf(parts: ServerParts, exchange: Exchange, kind: Kind): Selection {
  const { query, namespace, name } = exchange.info
  const asked = query.get('fieldSelector') ?? ''
  const named = name === '' ? asked : `metadata.name=${name}${asked === '' ? '' : `,${asked}`}`
  const fieldSelector = kind.kind === Event.kind ? eventsBehindView(parts.store, namespace, named) : named
  return createSelection({ kind, namespace, labelSelector: query.get('labelSelector') ?? '', fieldSelector })
}

/** Sends one object in the shape that the client asked for. */
export async function sendObject(parts: ServerParts, exchange: Exchange, code: number, kind: Kind, object: StoredObject): Promise<void> {
  const { request, response, info } = exchange
  const { shape } = negotiate(request.headers.accept, info.query, false)
  await sendJson(request, response, code, shapeObject(object, kind, shape, parts.clock.now()))
}
