import { conflict } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { type GpuRequest, gpuRequestOf } from '../../lib/api/gpus.js'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import { Task, type TaskSpec, type TaskStatus } from '../../lib/api/kinds/task.js'
import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import type { ReadView, Store, StoredObject } from '../storage/store.js'

/** What was given away this many commits ago is in the store by now, or was dropped. */
const commitsUntilKnown = 8

/**
 * Gives a workload its GPUs when it is bound: the one place where indexes are chosen, in the committer's turn, so that whoever binds, no
 * GPU is given twice. They stand in `status.gpus`, where scheduler, agent and people read them. Those that the target names are given or
 * the binding is refused; the others are the lowest free ones, of the target's NUMA node first. What ended holds nothing.
 */
export class GpuAssignment {
  /** By node: what was given and may not be in the store's index yet. */
  readonly #given = new Map<string, Map<string, { readonly key: ObjectKey; age: number }>>()
  readonly #held = new WeakMap<StoredObject, readonly number[]>()

  constructor(
    private readonly store: Pick<Store, 'list' | 'onCommit'>,
    private readonly workloads: readonly Kind[],
  ) {
    store.onCommit(() => this.#endCommit())
  }

  /** The workload with its GPUs on the node; itself when it asks for none, or the node names none. Throws Conflict. Changes nothing. */
  give(kind: Kind, workload: KubeObject, view: ReadView): KubeObject {
    const { spec, status } = workload as unknown as { spec: TaskSpec; status?: TaskStatus }
    const request = gpuRequestOf(spec)
    if (request.count === 0 || !spec.nodeName) return workload
    const node = view.get({ group: '', resource: 'nodes', namespace: '', name: spec.nodeName })
    const present = node === undefined ? undefined : (JSON.parse(node.bytes.toString()) as { status?: NodeStatus }).status?.gpus
    if (!present?.length) return workload
    const { namespace = '', name } = workload.metadata
    const key = { group: kind.group, resource: kind.plural, namespace, name }
    const choice = chooseGpus(request, present, this.#holders(spec.nodeName, key, view))
    if (typeof choice === 'string') throw conflict(key, `node ${spec.nodeName} ${choice}`)
    this.#note(spec.nodeName, key)
    return { ...workload, status: { ...status, gpus: choice } }
  }

  /** GPU → who has it. */
  #holders(nodeName: string, except: ObjectKey, view: ReadView): Map<number, string> {
    const holders = new Map<number, string>()
    const take = (object: StoredObject) => {
      const { 'spec.nodeName': on, 'status.phase': phase } = object.facets.fields
      // A Vps keeps its GPUs until it is gone; a Task until it has ended.
      const ended = object.key.resource === Task.plural && (phase === 'Succeeded' || phase === 'Failed')
      if (on !== nodeName || ended || printKey(object.key) === printKey(except)) return
      for (const gpu of this.#gpusOf(object)) holders.set(gpu, `${object.key.namespace}/${object.key.name}`)
    }
    for (const { group, plural: resource } of this.workloads)
      for (const { key } of this.store.list({ group, resource, indexed: { path: 'spec.nodeName', value: nodeName } }).objects) {
        const now = view.get(key)
        if (now) take(now)
      }
    for (const { key } of this.#given.get(nodeName)?.values() ?? []) {
      const now = view.get(key)
      if (now) take(now)
    }
    return holders
  }

  #gpusOf(object: StoredObject): readonly number[] {
    const known = this.#held.get(object)
    if (known) return known
    const { status } = JSON.parse(object.bytes.toString()) as { status?: TaskStatus }
    const gpus = status?.gpus ?? []
    this.#held.set(object, gpus)
    return gpus
  }

  #note(nodeName: string, key: ObjectKey): void {
    const given = this.#given.get(nodeName) ?? new Map()
    this.#given.set(nodeName, given.set(printKey(key), { key, age: 0 }))
  }

  #endCommit(): void {
    for (const [nodeName, given] of this.#given) {
      for (const [text, entry] of given) if (++entry.age > commitsUntilKnown) given.delete(text)
      if (given.size === 0) this.#given.delete(nodeName)
    }
  }
}

/** The indexes, ascending; or why there are not enough, in words that follow the node's name. Pure. */
export function chooseGpus(
  { count, named, numa }: GpuRequest,
  present: NonNullable<NodeStatus['gpus']>,
  holders: ReadonlyMap<number, string>,
): number[] | string {
  const indexes = new Set(present.map(({ index }) => index))
  for (const index of named) {
    if (!indexes.has(index)) return `has no GPU ${index}`
    const holder = holders.get(index)
    if (holder !== undefined) return `has GPU ${index} held by ${holder}`
  }
  const isNear = (gpu: { numaNode?: number | undefined }) => numa !== undefined && gpu.numaNode === numa
  const free = present
    .filter(({ index }) => !holders.has(index) && !named.includes(index))
    .sort((a, b) => Number(isNear(b)) - Number(isNear(a)) || a.index - b.index)
  const chosen = [...named, ...free.slice(0, count - named.length).map(({ index }) => index)]
  if (chosen.length < count) return `lacks GPUs (asks ${count}, ${free.length + named.length} free)`
  return chosen.sort((a, b) => a - b)
}
