/**
 * The scheduler decides where waiting workloads run. It keeps a snapshot of the cluster by differences, tries waiting workloads in order of
 * priority, assumes each decision at once, and sends the bindings many at a time. One rule: whatever it believes may be stale, so the API
 * decides, and a refused binding is tried again from what the watch shows then.
 *
 *     const scheduler = new Scheduler({ clock, log, bind: (kind, bindings, signal) => client.bind(kind, bindings, signal), reporter })
 *     scheduler.setNode(node); scheduler.setWorkload(readWorkload(Task, task))
 *     scheduler.start()
 */
import type { IPClaim, IPClaimSpec } from '../lib/api/kinds/ip-claim.js'
import type { Namespace } from '../lib/api/kinds/namespace.js'
import { securityLabel } from '../lib/api/kinds/namespace.js'
import type { Node } from '../lib/api/kinds/node.js'
import type { Clock, Timer } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import { type Bind, Binder, type BindOutcome } from './binder.js'
import type { ClusterFacts } from './filters/filter.js'
import { helpedBy } from './helped-by.js'
import { placeWorkload } from './place.js'
import { SchedulingQueue } from './queue.js'
import { explainRefusals } from './refusal.js'
import { Snapshot } from './snapshot.js'
import { isWaiting, type Workload } from './workload.js'

/** Tells people: conditions and Events. Calls return at once; a failure to report is the reporter's own. */
export interface Reporter {
  scheduled(workload: Workload, nodeName: string): void
  /** `message` differs from what the workload's Scheduled condition says. */
  refused(workload: Workload, message: string): void
  /** The API binds more memory to the node than it has. */
  overCommitted(nodeName: string, nodeUid: string, message: string): void
}

export interface SchedulerOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly bind: Bind
  readonly reporter: Reporter
  /** How many fitting nodes are compared before the best is taken. Default 100. */
  readonly enoughNodes?: number
  /** How long an answered bind counts before the watch must have shown it. Default 30 s. */
  readonly confirmWithinMs?: number
}

/** The loop gives way to the watch and the answers after this long. */
const sliceMs = 8
/** Changed nodes are offered to unschedulable workloads at most this often. */
const helpEveryMs = 50
const expireEveryMs = 5_000

export class Scheduler {
  private readonly queue: SchedulingQueue
  private readonly snapshot: Snapshot
  private readonly binder: Binder
  private readonly privilegedNamespaces = new Set<string>()
  private readonly addressClaims = new Map<string, IPClaimSpec>()
  private readonly cluster: ClusterFacts = {
    allowsNoIsolation: (namespace) => this.privilegedNamespaces.has(namespace),
    addressClaim: (namespace, name) => this.addressClaims.get(`${namespace}/${name}`),
  }
  private running = false
  private slicePending = false
  private nextStart = 0
  private helpTimer: Timer | undefined
  private expireTimer: Timer | undefined
  /** For workloads that were moved because of one node: where they end up instead leaves room there for others. */
  private readonly movedFor = new Map<string, string>()

  constructor(private readonly options: SchedulerOptions) {
    this.queue = new SchedulingQueue({ clock: options.clock, onReady: () => this.wake() })
    this.snapshot = new Snapshot(options.clock)
    this.binder = new Binder(options.bind, (outcomes) => this.onBound(outcomes))
  }

  /** What became of the attempts so far. */
  readonly counts = { bound: 0, refused: 0, unknown: 0, unschedulable: 0 }

  /** How many workloads wait, by place. */
  get waiting(): SchedulingQueue['sizes'] {
    return this.queue.sizes
  }

  setNode(node: Node): void {
    this.snapshot.setNode(node)
    this.offerChangedNodes()
  }
  removeNode(name: string): void {
    this.snapshot.removeNode(name)
  }

  setWorkload(workload: Workload): void {
    this.snapshot.setWorkload(workload)
    if (isWaiting(workload)) this.queue.set(workload)
    else this.leaveQueue(workload.key)
    if (workload.nodeName !== undefined) this.checkOverCommit(workload.nodeName)
    this.offerChangedNodes()
  }
  removeWorkload(key: string): void {
    this.snapshot.removeWorkload(key)
    this.leaveQueue(key)
    this.offerChangedNodes()
  }

  setNamespace(namespace: Namespace): void {
    const { name, labels } = namespace.metadata
    const privileged = labels?.[securityLabel] === 'privileged'
    if (privileged === this.privilegedNamespaces.has(name)) return
    if (privileged) this.privilegedNamespaces.add(name)
    else this.privilegedNamespaces.delete(name)
    this.queue.moveHelped((workload) => workload.namespace === name)
  }
  removeNamespace(name: string): void {
    this.privilegedNamespaces.delete(name)
  }

  setAddressClaim({ metadata: { namespace = '', name }, spec }: IPClaim): void {
    this.addressClaims.set(`${namespace}/${name}`, spec)
    this.queue.moveHelped((workload) => workload.namespace === namespace && workload.addressClaim === name)
  }
  removeAddressClaim({ metadata: { namespace = '', name } }: IPClaim): void {
    this.addressClaims.delete(`${namespace}/${name}`)
  }

  /** Begins to place. Before, the caller has shown the whole cluster. */
  start(): void {
    this.running = true
    const expire = () => {
      for (const key of this.snapshot.expire()) {
        this.options.log.warn({ workload: key }, 'a bind was not confirmed by the watch in time')
        this.queue.parkBackoff(key)
      }
      this.expireTimer = this.options.clock.setTimer(expireEveryMs, expire)
    }
    this.expireTimer = this.options.clock.setTimer(expireEveryMs, expire)
    this.wake()
  }

  /** Stops placing, and waits for the answers to what was sent. */
  async stop(): Promise<void> {
    this.running = false
    this.helpTimer?.cancel()
    this.expireTimer?.cancel()
    this.queue.close()
    await this.binder.drain()
  }

  private wake(): void {
    if (!this.running || this.slicePending) return
    this.slicePending = true
    setImmediate(() => {
      this.slicePending = false
      if (this.running) this.runSlice()
    })
  }

  private runSlice(): void {
    const end = performance.now() + sliceMs
    while (performance.now() < end && this.binder.hasRoom) {
      const workload = this.queue.pop()
      if (!workload) break
      this.tryPlace(workload)
    }
    this.binder.flush()
    if (this.queue.hasActive && this.binder.hasRoom) this.wake()
  }

  private tryPlace(workload: Workload): void {
    const { nodes } = this.snapshot
    const enough = this.options.enoughNodes ?? 100
    const placing = placeWorkload(workload, nodes, this.cluster, { start: this.nextStart, enough })
    const movedFor = this.movedFor.get(workload.key)
    this.movedFor.delete(workload.key)
    if (movedFor !== undefined && movedFor !== placing.node?.name) {
      this.snapshot.markChanged(movedFor)
      this.offerChangedNodes()
    }
    if (placing.node) {
      this.nextStart = (this.nextStart + placing.examined) % nodes.length
      this.snapshot.assume(workload, placing.node.name)
      this.binder.add(workload, placing.node.name)
      return
    }
    this.queue.parkUnschedulable(workload.key)
    this.counts.unschedulable++
    const message = explainRefusals(workload, placing.refusals, this.cluster)
    if (message !== workload.refusal) this.options.reporter.refused(workload, message)
  }

  private onBound(outcomes: readonly BindOutcome[]): void {
    for (const outcome of outcomes) {
      const { workload, nodeName } = outcome
      this.counts[outcome.result]++
      if (outcome.result === 'bound') {
        this.snapshot.confirmWithin(workload.key, this.options.confirmWithinMs ?? 30_000)
        this.options.reporter.scheduled(workload, nodeName)
      } else if (outcome.result === 'unknown') {
        this.options.log.warn({ workload: workload.key, node: nodeName, reason: outcome.message }, 'the outcome of a bind is unknown')
        this.snapshot.confirmWithin(workload.key, this.options.confirmWithinMs ?? 30_000)
      } else {
        this.options.log.info({ workload: workload.key, node: nodeName, reason: outcome.message }, 'the API refused a bind')
        this.snapshot.forget(workload.key)
        this.queue.parkBackoff(workload.key)
      }
    }
    this.offerChangedNodes()
    this.wake()
  }

  private leaveQueue(key: string): void {
    this.queue.remove(key)
    const movedFor = this.movedFor.get(key)
    if (movedFor === undefined) return
    this.movedFor.delete(key)
    this.snapshot.markChanged(movedFor)
  }

  /** Moves the unschedulable workloads that nodes which changed can take now; soon, so that many changes are one look. */
  private offerChangedNodes(): void {
    if (!this.snapshot.hasChangedNodes || this.helpTimer) return
    this.helpTimer = this.options.clock.setTimer(helpEveryMs, () => {
      this.helpTimer = undefined
      const changed = this.snapshot.takeChangedNodes()
      if (!this.queue.hasUnschedulable) return
      const helps = helpedBy(changed, this.cluster)
      this.queue.moveHelped((workload) => {
        const node = helps(workload)
        if (node !== undefined) this.movedFor.set(workload.key, node)
        return node !== undefined
      })
    })
  }

  private checkOverCommit(nodeName: string): void {
    const message = this.snapshot.newOverCommit(nodeName)
    const uid = this.snapshot.node(nodeName)?.facts.uid
    if (message !== undefined && uid !== undefined) this.options.reporter.overCommitted(nodeName, uid, message)
  }
}
