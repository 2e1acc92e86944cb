import { serviceUnavailable } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { accessOf, authorize, type Exchange } from './exchange.js'
import type { ServerParts } from './server-parts.js'

/** Answers `GET …/NAME/log`: what the workload wrote, as the node's agent sends it. */
export async function answerLog(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  const access = accessOf(user, info)
  authorize(parts.authorizer, access)
  if (!parts.streams) throw serviceUnavailable('this server has no streams to nodes')
  const { namespace, name } = info
  parts.registry.get({ kind, namespace, name })
  exchange.leave()
  await parts.streams.streamLog({ kind, namespace, name, access }, info.query, request, response)
}
