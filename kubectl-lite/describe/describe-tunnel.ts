import type { Tunnel } from '../../lib/api/kinds/tunnel.js'
import { printEndpoint } from '../../lib/api/listen-address.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import type { TunnelStats } from '../../lib/api/tunnel-stats.js'
import { printConditions } from './conditions.js'
import { headFields } from './head-fields.js'
import { fieldLines } from './text-block.js'

/** What the gateways have counted, or why that is not known; neither for who may not ask. */
export interface TunnelUse {
  readonly stats?: TunnelStats
  readonly failure?: string
}

/** A Tunnel in words: where clients connect, where that leads, and what has come. */
export function describeTunnel(tunnel: Tunnel, use: TunnelUse, nowMs: number): string {
  const { spec, status } = tunnel
  const { target, listen, protocol, proxyProtocol } = spec
  return [
    fieldLines([
      ...headFields(tunnel, nowMs),
      ['Endpoint', status?.endpoint ?? '<none>'],
      ['Listens On', `${protocol} ${printEndpoint(listen.address, listen.port)}`],
      ['Target', `${target.kind.toLowerCase()}/${target.name}, port ${target.port}`],
      ['PROXY Protocol', proxyProtocol],
    ]),
    printConditions(status?.conditions, nowMs),
    ...(use.failure === undefined ? [] : [fieldLines([['Counts', `not known: ${use.failure}`]])]),
    ...(use.stats?.gateways ?? []).map((counts) => {
      const { connections, bytes, datagrams, lastFailure } = counts
      return `Counts of gateway ${counts.gateway}:\n${fieldLines(
        [
          [
            protocol === 'udp' ? 'Peers' : 'Connections',
            `${connections.open} now, ${connections.total} in all, ${connections.failed} failed, ${connections.refused} refused`,
          ],
          ['Bytes', `${bytes.in} in, ${bytes.out} out`],
          ['Datagrams', datagrams && `${datagrams.in} in, ${datagrams.out} out, ${datagrams.dropped} dropped`],
          ['Last Failure', lastFailure && `${shortDuration(nowMs - Date.parse(lastFailure.time))} ago: ${lastFailure.message}`],
        ],
        2,
      )}`
    }),
  ].join('')
}
