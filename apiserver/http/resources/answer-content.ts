import { serviceUnavailable } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import type { ServerParts } from '../server-parts.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'

/** Answers `GET …/vpssnapshots/NAME/content`: the copied disk, as the agent sends it that has it. */
export async function answerContent(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request, response } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  if (!parts.streams) throw serviceUnavailable('this server has no streams to nodes')
  const { namespace, name } = info
  parts.registry.get({ kind, namespace, name })
  exchange.leave()
  const isAllowed = () => parts.authorizer.authorize(accessOf(parts.authenticate(request), info)).allowed
  await parts.streams.streamSnapshot({ namespace, name, range: request.headers.range, isAllowed }, response)
}
