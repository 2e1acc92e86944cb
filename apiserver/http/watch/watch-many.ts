/**
 * Several resources on one stream: revisions are cluster-wide, so one id resumes all of them.
 *
 *     GET /apis/millrace.dev/v1/watch?resources=millrace.dev/v1/tasks;fieldSelector=spec.nodeName=n1&resources=v1/nodes;namespace=…
 *
 * Each resource is authorized on its own. BOOKMARKs speak of all of them.
 */
import { badRequest } from '../../../lib/api/api-error.js'
import { createSelection, type Selection } from '../list/selection.js'
import type { ServerParts } from '../server-parts.js'
import { negotiate } from '../shape/negotiate.js'
import { authorize, type Exchange } from '../wire/exchange.js'
import { answerWatch, type WatchRequest } from './answer-watch.js'

export function watchMany(parts: ServerParts, exchange: Exchange): Promise<void> {
  return answerWatch(parts, exchange, watchManyRequest(parts, exchange))
}

/** Throws unless the user may watch every one of the resources. */
export function watchManyRequest(parts: ServerParts, { info, user, request }: Exchange): WatchRequest {
  const asked = info.query.getAll('resources')
  if (asked.length === 0 || asked.length > maxResources) throw badRequest(`resources must be given 1 to ${maxResources} times`)
  const selections = asked.map((text) => parseResource(parts, text))
  const kinds = new Set(selections.map(({ kind }) => kind))
  if (new Set([...kinds].map(({ group, plural }) => `${group}/${plural}`)).size < kinds.size)
    throw badRequest('resources: a stream shows a resource in one version')
  const access = selections.map(({ kind, namespace, fieldEquals }) => ({
    user,
    verb: 'watch',
    group: kind.group,
    resource: kind.plural,
    subresource: '',
    namespace,
    name: fieldEquals['metadata.name'] ?? '',
    path: '',
    fieldEquals,
  }))
  for (const one of access) authorize(parts.authorizer, one)
  const { shape, stream } = negotiate(request.headers.accept, info.query, true)
  if (shape.as === 'table') throw badRequest('tables of several resources cannot share a stream')
  return { selections, access, shape, stream }
}
const maxResources = 500

/** `GROUP/VERSION/RESOURCE` or `VERSION/RESOURCE`, then `;namespace=`, `;fieldSelector=`, `;labelSelector=`. */
function parseResource(parts: ServerParts, text: string): Selection {
  const [path = '', ...options] = text.split(';')
  const segments = path.split('/')
  const [group, version, resource] = segments.length === 2 ? ['', ...segments] : segments
  const kind = segments.length <= 3 ? parts.registry.findKind(group ?? '', version ?? '', resource ?? '') : undefined
  if (!kind?.verbs.includes('watch')) throw badRequest(`resources: there is no resource ${JSON.stringify(path.slice(0, 200))}`)
  const values: Record<string, string> = { namespace: '', fieldSelector: '', labelSelector: '' }
  for (const option of options) {
    const mark = option.indexOf('=')
    const name = option.slice(0, mark)
    if (mark === -1 || !Object.hasOwn(values, name)) throw badRequest(`resources: ${JSON.stringify(option.slice(0, 200))} is not an option`)
    values[name] = option.slice(mark + 1)
  }
  const { namespace = '', fieldSelector = '', labelSelector = '' } = values
  if (namespace !== '' && kind.scope === 'Cluster') throw badRequest(`resources: ${kind.plural} have no namespace`)
  return createSelection({ kind, namespace, fieldSelector, labelSelector })
}
