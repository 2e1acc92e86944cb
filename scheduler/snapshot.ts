import type { Node } from '../lib/api/kinds/node.js'
import { printBytes } from '../lib/api/quantity.js'
import type { Clock } from '../lib/base/clock.js'
import { applyUse, couldAdmitMore, emptyUse, type NodeState, type NodeUse, readNode } from './node-state.js'
import type { Workload } from './workload.js'

interface Placement {
  readonly nodeName: string
  /** As it was counted: exactly this is taken back. */
  readonly workload: Workload
  /** An assumed bind: sent or about to be, not yet seen bound. `confirmBy`: monotonic time after which it no longer counts. */
  assumed: { confirmBy: number } | undefined
}

/**
 * What the scheduler believes: the nodes, and what is promised on each. Kept by differences, never rebuilt. A
 * workload counts on its node from the moment that it is assumed there, until the watch shows it ended, gone or
 * elsewhere, or the assumption was confirmed by nothing in time.
 */
export class Snapshot {
  /** Known nodes in order of arrival; placing rotates over them. */
  readonly nodes: NodeState[] = []
  private readonly byName = new Map<string, NodeState>()
  /** Use of nodes by name, kept also while the Node object is not known. */
  private readonly uses = new Map<string, NodeUse>()
  private readonly placements = new Map<string, Placement>()
  private readonly assumedKeys = new Set<string>()
  private readonly overCommitted = new Set<string>()
  private changed = new Set<string>()

  constructor(private readonly clock: Clock) {}

  node(name: string): NodeState | undefined {
    return this.byName.get(name)
  }

  setNode(node: Node): void {
    const name = node.metadata.name
    const facts = readNode(node)
    const known = this.byName.get(name)
    if (known) {
      if (couldAdmitMore(known.facts, facts)) this.changed.add(name)
      known.facts = facts
      return
    }
    const state: NodeState = { name, facts, use: this.useOf(name) }
    this.byName.set(name, state)
    this.nodes.push(state)
    this.changed.add(name)
  }

  removeNode(name: string): void {
    const state = this.byName.get(name)
    if (!state) return
    this.byName.delete(name)
    this.nodes.splice(this.nodes.indexOf(state), 1)
    if (state.use.count === 0) this.uses.delete(name)
  }

  /** What the watch says about a workload. An unbound object does not end an assumption: the bind may be under way. */
  setWorkload(workload: Workload): void {
    const placement = this.placements.get(workload.key)
    const sameObject = placement?.workload.uid === workload.uid
    if (placement?.assumed && sameObject && workload.nodeName === undefined && !workload.finished && !workload.stopped) return
    this.replace(
      workload.key,
      workload.nodeName !== undefined && !workload.finished ? { nodeName: workload.nodeName, workload, assumed: undefined } : undefined,
    )
  }

  removeWorkload(key: string): void {
    this.replace(key, undefined)
  }

  /** Counts the workload on the node before the API knows. Until `confirmWithin` is called the assumption has no deadline. */
  assume(workload: Workload, nodeName: string): void {
    this.replace(workload.key, { nodeName, workload, assumed: { confirmBy: Number.POSITIVE_INFINITY } })
    this.assumedKeys.add(workload.key)
  }

  /** The bind was answered (or its outcome is unknown): the watch must show it within `withinMs`. */
  confirmWithin(key: string, withinMs: number): void {
    const assumed = this.placements.get(key)?.assumed
    if (assumed) assumed.confirmBy = this.clock.monotonic() + withinMs
  }

  /** Takes an assumption back: the bind failed. */
  forget(key: string): void {
    if (this.placements.get(key)?.assumed) this.replace(key, undefined)
  }

  isAssumed(key: string): boolean {
    return this.assumedKeys.has(key)
  }

  /** Ends assumptions past their deadline; returns their keys. */
  expire(): readonly string[] {
    const now = this.clock.monotonic()
    const expired = [...this.assumedKeys].filter((key) => (this.placements.get(key)?.assumed?.confirmBy ?? 0) <= now)
    for (const key of expired) this.replace(key, undefined)
    return expired
  }

  /** Nodes that may admit more than when this was last asked: new, changed, or with something freed. */
  takeChangedNodes(): readonly NodeState[] {
    const names = this.changed
    this.changed = new Set()
    return [...names].flatMap((name) => this.byName.get(name) ?? [])
  }

  get hasChangedNodes(): boolean {
    return this.changed.size > 0
  }

  /** What to say when the API has promised more memory on the node than it has, once per excess. What is only assumed it may refuse. */
  newOverCommit(nodeName: string): string | undefined {
    const node = this.byName.get(nodeName)
    const promised = node ? this.promisedMemory(node) : 0
    if (!node || promised <= node.facts.memory) {
      this.overCommitted.delete(nodeName)
      return undefined
    }
    if (this.overCommitted.has(nodeName)) return undefined
    this.overCommitted.add(nodeName)
    return `workloads were promised ${printBytes(promised)} of memory, the node has ${printBytes(node.facts.memory)}`
  }

  /** Assumptions are taken off only where they can matter: they are few, and nearly every node has room. */
  private promisedMemory({ name, facts, use }: NodeState): number {
    // Bindings by others may be seen before the first words of the node itself.
    if (facts.memory === 0) return 0
    if (use.memory <= facts.memory) return use.memory
    const assumed = [...this.assumedKeys].flatMap((key) => this.placements.get(key) ?? []).filter(({ nodeName }) => nodeName === name)
    return use.memory - assumed.reduce((sum, { workload }) => sum + workload.memory, 0)
  }

  /** Marks a node as one that may admit more. */
  markChanged(nodeName: string): void {
    this.changed.add(nodeName)
  }

  private replace(key: string, next: Placement | undefined): void {
    const old = this.placements.get(key)
    if (old) {
      applyUse(this.useOf(old.nodeName), old.workload, -1)
      if (old.nodeName !== next?.nodeName || holdsLess(next.workload, old.workload)) this.changed.add(old.nodeName)
      if (old.nodeName !== next?.nodeName) {
        const use = this.uses.get(old.nodeName)
        if (use?.count === 0 && !this.byName.has(old.nodeName)) this.uses.delete(old.nodeName)
      }
      this.placements.delete(key)
      this.assumedKeys.delete(key)
    }
    if (!next) return
    applyUse(this.useOf(next.nodeName), next.workload, 1)
    this.placements.set(key, next)
  }

  private useOf(name: string): NodeUse {
    let use = this.uses.get(name)
    if (!use) {
      use = emptyUse()
      this.uses.set(name, use)
    }
    return use
  }
}

const holdsLess = (next: Workload, old: Workload) => next.memory < old.memory || next.cpu < old.cpu || (next.stopped && !old.stopped)
