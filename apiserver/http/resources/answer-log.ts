import { serviceUnavailable } from '../../../lib/api/api-error.js'
import type { Target } from '../../registry/registry.js'
import type { ServerParts } from '../server-parts.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'

/** Answers `GET …/NAME/log`: what the workload wrote, as the node's agent sends it. The request may name what a view shows of it. */
export async function answerLog(
  parts: ServerParts,
  exchange: Exchange,
  workload: Omit<Target, 'subresource'>,
  query: URLSearchParams,
): Promise<void> {
  const { info, user, request, response } = exchange
  const access = accessOf(user, info)
  authorize(parts.authorizer, access)
  if (!parts.streams) throw serviceUnavailable('this server has no streams to nodes')
  parts.registry.get(workload)
  exchange.leave()
  await parts.streams.streamLog({ ...workload, access }, query, request, response)
}
