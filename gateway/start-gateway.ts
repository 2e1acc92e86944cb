/**
 * The gateway: lets people in from outside. It asks the agents over connections that they have dialled, so that nodes need no open port; what is
 * behind each way in is a room of its own.
 */
import { Registry } from 'prom-client'
import { Node } from '../lib/api/kinds/node.js'
import { systemClock } from '../lib/base/clock.js'
import { FlagError } from '../lib/base/flags.js'
import type { Logger } from '../lib/base/log.js'
import type { ClientConfig } from '../lib/client/client-config.js'
import { createClient } from '../lib/client/create-client.js'
import { createCredentialsReader } from '../lib/client/credentials.js'
import { createInformer, startInformers } from '../lib/client/informer/informer.js'
import { loadKubeconfig } from '../lib/client/kubeconfig/load-kubeconfig.js'
import { serveHealth } from '../lib/controller/health-endpoint.js'
import { type AgentListener, listenForAgents } from './agents/agent-listener.js'
import { StreamLease } from './announce/stream-lease.js'
import type { GatewayFlags } from './gateway-flags.js'
import { createGatewayMetrics } from './metrics.js'
import { startTunnels, type Tunnelling } from './tunnels/start-tunnels.js'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

/** Builds the gateway from its flags and works until the signal aborts. */
export async function startGateway(flags: GatewayFlags, { env, home }: Surroundings, log: Logger, signal: AbortSignal): Promise<void> {
  const { config } = await loadKubeconfig({ env, home, kubeconfig: flags.kubeconfig })
  const authority = authorityOf(config)
  const metrics = new Registry()
  const life = { ready: false }
  // Timers of the clock keep no process alive, and one that waits for its cluster has nothing else.
  const awake = setInterval(() => undefined, 60_000)
  const health =
    flags.metricsPort === undefined
      ? undefined
      : await serveHealth({
          host: '127.0.0.1',
          port: flags.metricsPort,
          ready: () => life.ready && !signal.aborted,
          metrics: () => metrics.metrics(),
        })
  try {
    await runGateway({ ...flags, config, authority, metrics, log, onReady: () => (life.ready = true) }, signal)
    log.info('stopped')
  } finally {
    clearInterval(awake)
    await health?.close()
  }
}

export interface RunGatewayOptions extends Pick<GatewayFlags, 'name' | 'host' | 'advertiseHost' | 'agentPort' | 'maxTunnelConnections'> {
  readonly config: ClientConfig
  /** The cluster's, PEM. */
  readonly authority: string
  readonly metrics: Registry
  readonly log: Logger
  /** Everything listens, and the first announcement is under way. */
  readonly onReady?: () => void
}

/** Works until the signal aborts; rejects when an address is taken, or the gateway's name. */
export async function runGateway(options: RunGatewayOptions, signal: AbortSignal): Promise<void> {
  const { name, host, advertiseHost, config, authority, log } = options
  const client = createClient(config, { userAgent: 'millrace-gateway', onWarning: (text) => log.warn(text) })
  const ending = new AbortController()
  const running = AbortSignal.any([signal, ending.signal])
  const nodes = createInformer(client, Node)
  const following = startInformers(client, [nodes], running, {
    onFailure: (failure, pauseMs) => log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again'),
  })
  let agents: AgentListener | undefined
  let tunnelling: Tunnelling | undefined
  try {
    // What listens can answer: an agent that dialled earlier would be told that its Node does not exist.
    await nodes.synced()
    const nodeExists = (node: string) => nodes.lister.get(node) !== undefined
    agents = await listenForAgents({ host, port: options.agentPort, advertiseHost, authority, nodeExists, log })
    const { nodes: connections } = agents
    nodes.subscribe({ delete: ({ metadata }) => connections.end(metadata.name) })
    createGatewayMetrics(options.metrics, connections)
    const { maxTunnelConnections: maxConnections } = options
    tunnelling = startTunnels({ client, clock: systemClock, log, name, nodes: connections, advertiseHost, maxConnections }, running)
    const server = `https://${advertiseHost.includes(':') ? `[${advertiseHost}]` : advertiseHost}:${agents.port}`
    const lease = new StreamLease({ client, clock: systemClock, log, name, announcement: { server, ca: agents.certificate } })
    log.info({ agents: server }, 'ready')
    options.onReady?.()
    await lease.run(running)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    ending.abort()
    await following.catch(() => {})
    await tunnelling?.finished.catch(() => {})
    await agents?.close()
    await client.close()
  }
}

/** Nodes prove who they are by certificates of the authority that the API server's own is of. */
function authorityOf(config: ClientConfig): string {
  const { ca } = createCredentialsReader(config)()
  if (ca === undefined)
    throw new FlagError('the kubeconfig names no certificate authority of the cluster: without it, agents cannot be told from strangers')
  return ca
}
