import type { Logger } from '../../lib/base/log.js'
import type { ClientConfig } from '../../lib/client/client-config.js'
import { createCredentialsReader } from '../../lib/client/credentials.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { serveCounts } from './serve-counts.js'
import type { Tunnelling } from './start-tunnels.js'

export interface TellCountsOptions {
  readonly config: ClientConfig
  /** As https://127.0.0.1:6443. */
  readonly server: string
  /** The gateway's. */
  readonly name: string
  readonly log: Logger
  readonly countsOf: Tunnelling['countsOf']
}

/** Keeps a connection to the API server, which asks over it for the counts of Tunnels. Resolves when the signal aborts. */
export function tellCounts({ config, server, name, log, countsOf }: TellCountsOptions, signal: AbortSignal): Promise<void> {
  const credentials = createCredentialsReader(config)
  return dialNodeStreams({
    server,
    path: `/apis/millrace.dev/v1/gatewaystreams/${encodeURIComponent(name)}`,
    tls() {
      const { ca = '', certificate = '', key = '' } = credentials()
      return { ca, cert: certificate, key }
    },
    onRequest: serveCounts(countsOf),
    onDisconnected: (err) => log.warn({ err }, 'the connection to the API server for counts is broken; it is made anew'),
    signal,
  })
}
