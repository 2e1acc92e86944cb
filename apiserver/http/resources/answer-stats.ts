import { serviceUnavailable } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { printTunnelStats } from '../../../lib/api/tunnel-stats.js'
import type { ServerParts } from '../server-parts.js'
import { sendValue } from '../wire/answer.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'

/** Answers `GET …/tunnels/NAME/stats`: what the gateways have counted, asked of them now. */
export async function answerStats(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, response } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  if (!parts.streams) throw serviceUnavailable('this server has no streams to gateways')
  const { namespace, name } = info
  parts.registry.get({ kind, namespace, name })
  const asking = new AbortController()
  response.once('close', () => asking.abort(new Error('the client went away')))
  sendValue(response, 200, printTunnelStats(namespace, name, await parts.streams.tunnelCounts(namespace, name, asking.signal)))
}
