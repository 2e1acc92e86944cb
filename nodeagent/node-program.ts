/**
 * One node's agent, whole: claims the node by its Lease, reports the Node, takes care of its workloads, answers over its stream connection,
 * and renews its certificate. Each is a loop of its own, so that none holds up the heartbeat.
 */
import { statfs } from 'node:fs/promises'
import type { ClientConfig } from '../lib/client/client-config.js'
import { createCredentialsReader } from '../lib/client/credentials.js'
import { dialNodeStreams } from '../lib/stream/dial-node-streams.js'
import { Agent } from './agent.js'
import type { AgentParts } from './agent-parts.js'
import { Heartbeat } from './node/heartbeat.js'
import type { MachineFacts } from './node/machine-facts.js'
import { machineRoots } from './node/machine-roots.js'
import { NodeReporter } from './node/node-reporter.js'
import type { NodeSettings } from './node/node-status.js'
import { createStatsReader } from './stats/stats-reader.js'
import { followGateways } from './streams/follow-gateways.js'
import { createNodeStreamHandler } from './streams/node-stream-server.js'

export interface NodeProgramOptions {
  readonly parts: AgentParts
  readonly config: ClientConfig
  /** Names this agent among those that might act as the node. */
  readonly identity: string
  readonly facts: MachineFacts
  readonly settings: NodeSettings
  readonly labels: Readonly<Record<string, string>>
  /** After how long without a sign of its agent the node is to be taken for silent. Default 40 s. */
  readonly leaseMs?: number
  /** The disk that counts. */
  readonly dataFolder: string
  /** Where programs are found. */
  readonly searchPath: string
  /** Whether process Tasks end with the agent, asked at its end. Containers always go on. */
  readonly endProcesses: () => boolean
  /** Whether the server is dialled, so that logs can be asked for. */
  readonly streams: boolean
  /** Further loops, as the renewal of a certificate. */
  readonly loops?: readonly ((signal: AbortSignal) => Promise<void>)[]
}

const noFeatures: ReadonlySet<never> = new Set()

/** Works until the signal aborts; rejects when the node is another agent's, or a loop fails for good. */
export async function runNode(options: NodeProgramOptions, signal: AbortSignal): Promise<void> {
  const { parts, identity, facts, settings, labels, leaseMs, dataFolder, loops = [] } = options
  const { client, clock, log, nodeName } = parts
  const failing = new AbortController()
  const running = AbortSignal.any([signal, failing.signal])
  const heartbeat = new Heartbeat({ client, clock, log, nodeName, identity, leaseMs })
  const agent = new Agent(parts)
  const freeDisk = async () => {
    const { bavail, bsize } = await statfs(dataFolder)
    return bavail * bsize
  }
  const backends = [...parts.backends.values()]
  // A backend of machines alone runs no Tasks, and has no features of theirs.
  const machinesAlone = [...parts.machines.values()].filter(({ name }) => !parts.backends.has(name))
  const reported = [...backends, ...machinesAlone.map((each) => ({ name: each.name, features: noFeatures, info: each.info.bind(each) }))]
  const reporter = new NodeReporter({
    client,
    clock,
    log,
    nodeName,
    labels,
    facts,
    backends: reported,
    network: parts.network,
    settings,
    freeDisk,
  })
  const work = async () => {
    await Promise.race([heartbeat.claimed, aborted(running)])
    if (running.aborted) return
    // Gateways want to have seen the Node.
    const streams = Promise.race([reporter.registered, aborted(running)]).then(() => keepStreams(options, running))
    await Promise.all([reporter.run(running), agent.run(running), streams, ...loops.map((loop) => loop(running))])
  }
  try {
    await Promise.all([heartbeat.run(running), work()].map((loop) => endOthers(loop, failing)))
  } finally {
    if (signal.aborted && options.endProcesses()) await agent.endRuns('process')
    await parts.events.close()
    for (const backend of [...backends, ...parts.machines.values()]) await backend.close()
  }
}

/** When one loop fails, the others end. */
async function endOthers(loop: Promise<void>, failing: AbortController): Promise<void> {
  try {
    await loop
  } catch (error) {
    if (failing.signal.aborted) return
    failing.abort(error)
    throw error
  }
}

/** One connection to the API server, and one to each gateway: over all of them they ask and this side answers. */
async function keepStreams(options: NodeProgramOptions, signal: AbortSignal): Promise<void> {
  const { parts, config, streams, dataFolder, searchPath } = options
  const { client, clock, log, nodeName } = parts
  if (!streams) return
  const backends = [...parts.backends.values()]
  const stats = createStatsReader({ clock, backends, machines: [...parts.machines.values()], dataFolder, searchPath, roots: machineRoots })
  const credentials = createCredentialsReader(config)
  const path = `/apis/millrace.dev/v1/nodestreams/${encodeURIComponent(nodeName)}`
  const onRequest = createNodeStreamHandler({ ...parts, stats })
  const tls = () => {
    const { ca = '', certificate = '', key = '' } = credentials()
    return { ca, cert: certificate, key }
  }
  await Promise.all([
    dialNodeStreams({
      server: client.server,
      path,
      tls,
      onRequest,
      onConnected: () => log.info('connected for streams'),
      onDisconnected: (error) => log.warn({ reason: error.message }, 'the connection for streams is broken; it is made anew'),
      signal,
    }),
    followGateways(
      {
        client,
        log,
        dial: ({ server, ca }, events, dialling) =>
          dialNodeStreams({ server, path, tls: () => ({ ...tls(), ca }), onRequest, ...events, signal: dialling }),
      },
      signal,
    ),
  ])
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
