/**
 * The gateway: lets people in from outside. It asks the agents over connections that they have dialled, so that nodes need no open port;
 * what is behind each way in is a room of its own.
 */
import { Registry } from 'prom-client'
import { Node } from '../lib/api/kinds/node.js'
import { Vps } from '../lib/api/kinds/vps.js'
import { systemClock } from '../lib/base/clock.js'
import { FlagError } from '../lib/base/flags.js'
import type { Logger } from '../lib/base/log.js'
import type { ClientConfig } from '../lib/client/client-config.js'
import { createClient } from '../lib/client/create-client.js'
import { createCredentialsReader } from '../lib/client/credentials.js'
import { createInformer, startInformers } from '../lib/client/informer/informer.js'
import { loadKubeconfig } from '../lib/client/kubeconfig/load-kubeconfig.js'
import { serveHealth } from '../lib/controller/health-endpoint.js'
import { createNodeConnections } from '../lib/stream/node-connections.js'
import { type AgentListener, listenForAgents } from './agents/agent-listener.js'
import { StreamLease } from './announce/stream-lease.js'
import type { GatewayFlags } from './gateway-flags.js'
import { createMachineStreams } from './machines/machine-streams.js'
import { createGatewayMetrics } from './metrics.js'
import { type Ssh, startSsh } from './ssh/start-ssh.js'
import { keepVpsStatus } from './ssh-status/keep-vps-status.js'
import { startTunnels, type Tunnelling } from './tunnels/start-tunnels.js'
import { tellCounts } from './tunnels/tell-counts.js'

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

export interface RunGatewayOptions
  extends Pick<GatewayFlags, 'name' | 'host' | 'advertiseHost' | 'agentPort' | 'sshPort' | 'tunnelLimits'> {
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
  const vpses = createInformer(client, Vps)
  const following = startInformers(client, [nodes, vpses], running, {
    onFailure: (failure, pauseMs) => log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again'),
  })
  let agents: AgentListener | undefined
  let tunnelling: Tunnelling | undefined
  let ssh: Ssh | undefined
  try {
    // What listens can answer: an agent that dialled earlier would be told that its Node does not exist.
    await Promise.all([nodes.synced(), vpses.synced()])
    const connections = createNodeConnections()
    nodes.subscribe({ delete: ({ metadata }) => connections.end(metadata.name) })
    createGatewayMetrics(options.metrics, connections)
    const { tunnelLimits: limits, sshPort: port, metrics } = options
    const machines = createMachineStreams(connections)
    ssh = await startSsh({ client, clock: systemClock, log, name, metrics, host, port, vpses, machines }, running)
    const nodeExists = (node: string) => nodes.lister.get(node) !== undefined
    agents = await listenForAgents({ host, port: options.agentPort, advertiseHost, authority, nodes: connections, nodeExists, log })
    // The last to listen: a Tunnel may name any port, and is not to take those of the gateway itself.
    tunnelling = startTunnels({ client, clock: systemClock, log, name, nodes: connections, host, advertiseHost, limits }, running)
    const printedHost = advertiseHost.includes(':') ? `[${advertiseHost}]` : advertiseHost
    const server = `https://${printedHost}:${agents.port}`
    const announcement = { server, ca: agents.certificate, ...(ssh ? { sshEndpoint: `${printedHost}:${ssh.port}` } : {}) }
    const lease = new StreamLease({ client, clock: systemClock, log, name, announcement })
    log.info({ agents: server, ssh: announcement.sshEndpoint }, 'ready')
    options.onReady?.()
    const telling = ssh && keepVpsStatus({ client, clock: systemClock, log, identity: name, host: advertiseHost, ...ssh }, running)
    const { countsOf } = tunnelling
    const counting = tellCounts({ config, server: client.server, name, log, countsOf }, running)
    await Promise.all([lease.run(running), telling, counting])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    ending.abort()
    await following.catch(() => {})
    await tunnelling?.finished.catch(() => {})
    await ssh?.close()
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
