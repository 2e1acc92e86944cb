import { join } from 'node:path'
import { builtinKinds } from '../lib/api/kinds/index.js'
import { systemClock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import { ensurePki } from './auth/pki/ensure-pki.js'
import { writeKubeconfigs } from './auth/pki/kubeconfig.js'
import { openSigningKeys } from './auth/tokens/signing-keys.js'
import type { RequestLimitOptions } from './http/request-limits.js'
import { keepCompacted } from './keep-compacted.js'
import { keepCredentialsFresh } from './keep-credentials-fresh.js'
import type { TunnelPorts } from './registry/strategies/tunnel.js'
import { startSecureApiserver } from './start-secure-apiserver.js'
import { openSqliteStore } from './storage/open-sqlite-store.js'

export interface RunOptions {
  /** DIR of the cluster. What is absent in it is made. */
  readonly dataDirectory: string
  readonly host: string
  readonly port: number
  /** Further names and addresses that the serving certificate carries. */
  readonly names: readonly string[]
  /** Who issues ServiceAccounts' tokens: a URL. */
  readonly issuer: string
  readonly limits: RequestLimitOptions
  /** Which ports Tunnels have; never this server's own. */
  readonly tunnelPorts: TunnelPorts
  /** How long a watch can be resumed for. */
  readonly watchHistoryMs: number
  /** How long the server says that it is not ready before it takes no more connections. */
  readonly graceMs: number
  readonly log: Logger
}

/** Serves the cluster in a data directory until the signal aborts; then ends gracefully. Rejects with a sentence when it cannot start. */
export async function runApiserver(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { dataDirectory, host, log } = options
  const clock = systemClock
  const pkiOptions = { directory: join(dataDirectory, 'apiserver/pki'), names: options.names }
  const pki = await ensurePki(pkiOptions)
  const tokenKeys = await openSigningKeys({ file: join(dataDirectory, 'apiserver/tokens/keys.json'), clock })
  const kinds = new Map(builtinKinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  const store = await openSqliteStore({
    directory: join(dataDirectory, 'apiserver'),
    policyOf: (group, resource) => kinds.get(`${group}/${resource}`),
    clock,
    logger: log,
  })
  try {
    const { port, issuer, limits, tunnelPorts } = options
    const settings = { tunnelPorts: { ...tunnelPorts, reserved: [port, ...tunnelPorts.reserved] } }
    const server = await startSecureApiserver({ store, clock, log, host, port, pki, tokenKeys, issuer, limits, settings })
    const address = `https://${reachable(host)}:${server.port}`
    await writeKubeconfigs(dataDirectory, address, pki)
    log.info({ address, revision: store.revision }, 'ready')
    const stopRenewing = keepCredentialsFresh({ pkiOptions, tokenKeys, log, useServing: server.useServing })
    const stopCompacting = keepCompacted({ store, clock, log, windowMs: options.watchHistoryMs })
    await aborted(signal)
    log.info({}, 'stopping')
    stopCompacting()
    stopRenewing()
    await server.stop(options.graceMs)
  } finally {
    await store.close()
  }
}

/** The address by which programs on this machine reach the server. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
