import { serviceUnavailable } from '../../lib/api/api-error.js'
import { type TunnelCounts, type TunnelCountsOfGateway, tunnelCountsPath } from '../../lib/api/tunnel-stats.js'
import type { NodeConnections } from '../../lib/stream/node-connections.js'

/** One that does not answer in this time is left out. */
const timeoutMs = 5_000
/** More than this of an answer is not read. */
const maxAnswerBytes = 16 * 1024

/** What each connected gateway has counted of a Tunnel. Rejects with ServiceUnavailable when none is connected, or none answers. */
export async function askGateways(
  gateways: NodeConnections,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly TunnelCountsOfGateway[]> {
  const asked = gateways.names()
  if (asked.length === 0) throw serviceUnavailable('no gateway is connected; is one running?')
  const path = tunnelCountsPath(namespace, name)
  const answers = await Promise.allSettled(
    asked.map(async (gateway): Promise<TunnelCountsOfGateway[]> => {
      const { status, stream } = await gateways.ask(gateway, { path, signal, timeoutMs })
      let text = ''
      for await (const chunk of stream) {
        text += chunk
        if (text.length > maxAnswerBytes) throw new Error('the answer is too long')
      }
      return status === 200 ? [{ gateway, ...(JSON.parse(text) as TunnelCounts) }] : []
    }),
  )
  const failed = answers.find((answer) => answer.status === 'rejected')
  if (failed && answers.every((answer) => answer.status === 'rejected'))
    throw serviceUnavailable(`no gateway answers: ${failed.reason instanceof Error ? failed.reason.message : String(failed.reason)}`)
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}
