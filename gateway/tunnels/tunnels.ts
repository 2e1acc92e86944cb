/**
 * The ways in that Tunnels declare. The gateway listens for each, and carries what comes over the stream of the node on which the target is now. The one
 * rule: what fails is one connection, never the Tunnel, and nothing is remembered of a target between two connections.
 *
 *     const tunnelling = startTunnels({ client, clock, log, name, nodes, advertiseHost, limits }, signal)
 *     await tunnelling.finished
 */
import { Task } from '../../lib/api/kinds/task.js'
import { Tunnel } from '../../lib/api/kinds/tunnel.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { isEveryAddress, parseListenAddress, printEndpoint } from '../../lib/api/listen-address.js'
import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/client.js'
import type { EventRecorder } from '../../lib/client/events/event-recorder.js'
import { createInformer, type FeedableInformer } from '../../lib/client/informer/informer.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { GivenInformer } from '../../lib/controller/shared-informers.js'
import { watch } from '../../lib/controller/watch.js'
import type { NodeConnections } from '../../lib/stream/node-connections.js'
import { dialTarget } from './dial-target.js'
import { findTarget, isAbsent, type TargetLookup } from './find-target.js'
import { OpenTunnel } from './open-tunnel.js'
import type { PlaceLimits } from './places.js'

export interface TunnelsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly nodes: Pick<NodeConnections, 'ask' | 'isConnected'>
  /** By which people reach the gateway. */
  readonly advertiseHost: string
  /** Of each Tunnel. */
  readonly limits: PlaceLimits
  readonly events: Pick<EventRecorder, 'record'>
}

export interface Tunnels {
  /** To be started by the caller, before the controller. */
  readonly informers: readonly (GivenInformer & FeedableInformer)[]
  readonly controller: Controller
  /** Undefined where this gateway has none of that name. */
  countsOf(namespace: string, name: string): TunnelCounts | undefined
  /** Ends everything at once. */
  close(): void
}

/** A port that is taken is asked for again so often. */
const retryAfter = '2s'

export function createTunnels(options: TunnelsOptions): Tunnels {
  const { client, clock, nodes, advertiseHost, limits, events } = options
  const tunnels = createInformer(client, Tunnel, {
    indexes: { target: ({ metadata, spec }: Tunnel) => [targetKey(spec.target.kind, metadata.namespace, spec.target.name)] },
  })
  const tasks = createInformer(client, Task)
  const vpses = createInformer(client, Vps)
  const open = new Map<string, OpenTunnel>()
  const lookup: TargetLookup = {
    task: (name, namespace) => tasks.lister.get(`${namespace}/${name}`),
    vps: (name, namespace) => vpses.lister.get(`${namespace}/${name}`),
    isConnected: (node) => nodes.isConnected(node),
  }
  const dial = async (tunnel: Tunnel, signal: AbortSignal) => {
    const found = findTarget(tunnel, lookup)
    if (isAbsent(found)) throw new Error(found.message)
    return dialTarget(found, tunnel.spec.protocol, nodes, signal)
  }
  const onRefused = (tunnel: Tunnel, why: string) => events.record(tunnel, 'Warning', 'ConnectionsRefused', why)
  const openOf = (tunnel: Tunnel): OpenTunnel => {
    const known = open.get(tunnel.metadata.uid)
    if (known) return known
    const made = new OpenTunnel(tunnel, { clock, limits, dial, onRefused })
    open.set(tunnel.metadata.uid, made)
    return made
  }
  const close = (uid: string) => {
    open.get(uid)?.close()
    open.delete(uid)
  }
  tunnels.subscribe({
    update: ({ metadata }, previous) => {
      if (metadata.uid !== previous.metadata.uid) close(previous.metadata.uid)
    },
    delete: ({ metadata }) => close(metadata.uid),
  })
  const leadingTo = (kind: 'Task' | 'Vps', { metadata }: Task | Vps) =>
    tunnels.lister.by('target', targetKey(kind, metadata.namespace, metadata.name)).map((tunnel) => tunnel.metadata)

  return {
    informers: [tunnels, tasks, vpses],
    controller: controller({
      for: Tunnel,
      workers: 8,
      alsoDeleting: true,
      watches: [watch(Task, (task) => leadingTo('Task', task)), watch(Vps, (vps) => leadingTo('Vps', vps))],
      async reconcile(draft, ctx) {
        const { uid, namespace, name, deletionTimestamp, generation } = draft.metadata
        const present = tunnels.lister.get(`${namespace}/${name}`)
        if (present?.metadata.uid !== uid) return
        if (deletionTimestamp) return close(uid)
        const failure = await openOf(present).ensure(present)
        const { listen } = present.spec
        const endpoint = endpointOf(listen, advertiseHost)
        const target = findTarget(present, lookup)
        draft.status.endpoint = endpoint
        if (generation !== undefined) draft.status.observedGeneration = generation
        if (failure) ctx.condition('Listening', false, failure.reason, failure.message)
        else ctx.condition('Listening', true, 'Listening', `clients connect to ${endpoint}`)
        if (isAbsent(target)) ctx.condition('TargetReady', false, target.reason, target.message)
        else ctx.condition('TargetReady', true, 'TargetRunning', `it runs on node "${target.node}"`)
        // That an agent has connected is no change of any object.
        if (failure || (isAbsent(target) && target.reason === 'NodeNotConnected')) return { requeueAfter: retryAfter }
      },
    }),
    countsOf(namespace, name) {
      const tunnel = tunnels.lister.get(`${namespace}/${name}`)
      return tunnel && open.get(tunnel.metadata.uid)?.counts()
    },
    close() {
      for (const uid of [...open.keys()]) close(uid)
    },
  }
}

const targetKey = (kind: string, namespace: string | undefined, name: string) => `${kind}/${namespace ?? ''}/${name}`

function endpointOf({ address, port }: Tunnel['spec']['listen'], advertiseHost: string): string {
  const own = parseListenAddress(address) ?? address
  return printEndpoint(isEveryAddress(own) ? advertiseHost : own, port)
}
