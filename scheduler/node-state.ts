/**
 * A node as the scheduler thinks of it: facts, parsed once per change of the Node
 * object, and use, a running sum over the workloads that are on it.
 */

import { findCondition } from '../lib/api/condition.js'
import { gpuResource } from '../lib/api/gpus.js'
import type { Node, NodeStatus, Taint } from '../lib/api/kinds/node.js'
import { toAmounts } from '../lib/api/resource-amounts.js'
import type { Workload } from './workload.js'

type BackendStatus = NonNullable<NodeStatus['backends']>[number]

export interface NodeFacts {
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly ready: boolean
  /** Why it is not ready, as the Ready condition says. */
  readonly readyReason: string | undefined
  readonly cordoned: boolean
  /** Taints that keep workloads away: NoSchedule and NoExecute. */
  readonly hardTaints: readonly Taint[]
  readonly softTaints: readonly Taint[]
  /** Thousandths of a core that may be promised: what the node has, times its factor. */
  readonly cpu: number
  /** Bytes; never over-committed. */
  readonly memory: number
  /** Everything else that the node has, by name. */
  readonly extended: ReadonlyMap<string, number>
  readonly backends: ReadonlyMap<string, BackendStatus>
  /** Sizes in bytes by image name. */
  readonly images: ReadonlyMap<string, number>
  readonly numaNodes: ReadonlySet<number>
  readonly gpus: ReadonlySet<number>
}

/** What is promised on a node. */
export interface NodeUse {
  cpu: number
  memory: number
  readonly extended: Map<string, number>
  /** `8080/TCP` → who has it; more than one only after an accident. */
  readonly hostPorts: Map<string, Workload[]>
  /** GPU index → who has it. */
  readonly gpus: Map<number, Workload[]>
  /** Spread group → how many of it are here. */
  readonly groups: Map<string, number>
  count: number
}

export interface NodeState {
  readonly name: string
  facts: NodeFacts
  readonly use: NodeUse
}

/** How many times the CPU is promised where the node does not say. */
const defaultCpuFactor = 4

/** Reads a Node object. */
export function readNode(node: Node): NodeFacts {
  const { spec, status } = node
  const { cpu = 0, memory = 0, ...others } = toAmounts(status?.allocatable)
  const gpus = new Set((status?.gpus ?? []).map(({ index }) => index))
  const extended = new Map(Object.entries(others))
  if (gpus.size > 0 && !extended.has(gpuResource)) extended.set(gpuResource, gpus.size)
  const ready = findCondition(node, 'Ready')
  const taints = spec.taints ?? []
  return {
    uid: node.metadata.uid,
    labels: node.metadata.labels ?? {},
    ready: ready?.status === 'True' && node.metadata.deletionTimestamp == null,
    readyReason: node.metadata.deletionTimestamp == null ? ready?.reason : 'being deleted',
    cordoned: spec.unschedulable === true,
    hardTaints: taints.filter(({ effect }) => effect !== 'PreferNoSchedule'),
    softTaints: taints.filter(({ effect }) => effect === 'PreferNoSchedule'),
    cpu: Math.floor(cpu * (status?.cpuFactor ?? defaultCpuFactor)),
    memory,
    extended,
    backends: new Map((status?.backends ?? []).map((backend) => [backend.name, backend])),
    images: new Map((status?.images ?? []).flatMap(({ names, sizeBytes }) => names.map((name) => [name, sizeBytes ?? 0] as const))),
    numaNodes: new Set((status?.numa ?? []).map(({ id }) => id)),
    gpus,
  }
}

export function emptyUse(): NodeUse {
  return { cpu: 0, memory: 0, extended: new Map(), hostPorts: new Map(), gpus: new Map(), groups: new Map(), count: 0 }
}

/** Adds (`sign` 1) or takes back (-1) what a workload is promised. */
export function applyUse(use: NodeUse, workload: Workload, sign: 1 | -1): void {
  use.cpu += sign * workload.cpu
  use.memory += sign * workload.memory
  if (!workload.stopped) use.count += sign
  for (const [name, amount] of workload.extended) use.extended.set(name, (use.extended.get(name) ?? 0) + sign * amount)
  for (const port of workload.hostPorts) claim(use.hostPorts, port, workload, sign)
  for (const gpu of workload.gpus) claim(use.gpus, gpu, workload, sign)
  if (workload.spreadGroup !== undefined) use.groups.set(workload.spreadGroup, (use.groups.get(workload.spreadGroup) ?? 0) + sign)
}

function claim<K>(holders: Map<K, Workload[]>, key: K, workload: Workload, sign: 1 | -1): void {
  const others = (holders.get(key) ?? []).filter((holder) => holder.key !== workload.key)
  if (sign === 1) holders.set(key, [...others, workload])
  else if (others.length > 0) holders.set(key, others)
  else holders.delete(key)
}

/** Whether a new version of the facts may let a workload in that the old one kept out. Heartbeats do not. */
export function couldAdmitMore(old: NodeFacts, next: NodeFacts): boolean {
  return comparable(old) !== comparable(next)
}

function comparable(facts: NodeFacts): string {
  const { images: _, ...rest } = facts
  return JSON.stringify(rest, (_key, value: unknown) => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value))
}
