/**
 * The ways in that Tunnels declare. The gateway listens for each, and carries what comes over the stream of the node on which the target is
 * now. The one rule: what fails is one connection, never the Tunnel, and nothing is remembered of a target between two connections.
 *
 *     const tunnelling = startTunnels({ client, clock, log, name, nodes, host, advertiseHost, limits }, signal)
 *     await tunnelling.finished
 */
import { type Condition, withCondition } from '../../lib/api/condition.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Tunnel } from '../../lib/api/kinds/tunnel.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { isEveryAddress, parseListenAddress, printEndpoint } from '../../lib/api/listen-address.js'
import { sumOfGateways, withGateway } from '../../lib/api/tunnel-gateways.js'
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
import { findTarget, isAbsent, type TargetAbsence, type TargetLookup, type TargetPlace } from './find-target.js'
import type { ListenFailure } from './listen-failure.js'
import { OpenTunnel } from './open-tunnel.js'
import type { PlaceLimits } from './places.js'

export interface TunnelsOptions {
  readonly client: Client
  readonly clock: Clock
  /** The gateway's. */
  readonly name: string
  readonly nodes: Pick<NodeConnections, 'open' | 'isConnected'>
  /** The address that the gateway listens on, which is where a Tunnel for all addresses listens. */
  readonly host: string
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
  const { client, clock, nodes, host, advertiseHost, limits, events } = options
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
    const made = new OpenTunnel(tunnel, { clock, limits, host, dial, onRefused })
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
        const target = findTarget(present, lookup)
        const endpoint = failure ? undefined : endpointOf(present.spec.listen, advertiseHost)
        const before = draft.status.gateways?.find((gateway) => gateway.name === options.name)
        const conditions = [listeningCondition(endpoint, failure), targetCondition(target)].reduce(
          (all, condition) => withCondition(all, condition, clock.now()),
          before?.conditions ?? [],
        )
        draft.status.gateways = withGateway(draft.status.gateways, { name: options.name, ...(endpoint ? { endpoint } : {}), conditions })
        const sum = sumOfGateways(draft.status.gateways)
        draft.status.endpoint = sum.endpoint
        if (generation !== undefined) draft.status.observedGeneration = generation
        ctx.condition('Listening', sum.listening.holds, sum.listening.reason, sum.listening.message)
        ctx.condition('TargetReady', sum.targetReady.holds, sum.targetReady.reason, sum.targetReady.message)
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

type OwnCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

const listeningCondition = (endpoint: string | undefined, failure: ListenFailure | undefined): OwnCondition =>
  failure
    ? { type: 'Listening', status: 'False', ...failure }
    : { type: 'Listening', status: 'True', reason: 'Listening', message: `clients connect to ${endpoint}` }

const targetCondition = (target: TargetPlace | TargetAbsence): OwnCondition =>
  isAbsent(target)
    ? { type: 'TargetReady', status: 'False', reason: target.reason, message: target.message }
    : { type: 'TargetReady', status: 'True', reason: 'TargetRunning', message: `it runs on node "${target.node}"` }

const targetKey = (kind: string, namespace: string | undefined, name: string) => `${kind}/${namespace ?? ''}/${name}`

function endpointOf({ address, port }: Tunnel['spec']['listen'], advertiseHost: string): string {
  const own = parseListenAddress(address) ?? address
  return printEndpoint(isEveryAddress(own) ? advertiseHost : own, port)
}
