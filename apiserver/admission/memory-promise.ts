import { conflict } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import { memoryBytes, printBytes } from '../../lib/api/quantity.js'
import { type Holder, promisedAmounts } from '../../lib/api/workload-promise.js'
import type { Change, ReadView, Store, StoredObject } from '../storage/store.js'
import type { AdmissionReview, Admit } from './admit.js'

interface Holding {
  readonly key: ObjectKey
  readonly uid: string
  readonly nodeName: string
  readonly bytes: number
}

/** A decision whose batch has not committed after this many commits was dropped. */
const commitsUntilDropped = 8

/**
 * Memory is never promised beyond what a node has, whoever binds: two schedulers, a stale one, or a person by hand. Each scheduler decides
 * on what it has seen; here, in the committer's turn, everything has been seen. A binding that does not fit is refused with 409, and its
 * sender looks again. So is the start of a Vps that is on a node, and its growth; its stop frees its memory when it has ended.
 *
 * The sums are kept by differences: committed ones from the store's commits, and those of the batch that is being decided from what was
 * admitted since, each of which counts only while the view shows it bound, and as much as it shows.
 */
export function admitMemoryPromise(store: Pick<Store, 'list' | 'onCommit'>, kinds: readonly Kind[]): Admit {
  const workloads = new Map(kinds.filter((kind) => kind.workload).map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  const ledger = new Ledger((nodeName) =>
    [...workloads.values()].flatMap(
      ({ group, plural }) => store.list({ group, resource: plural, indexed: { path: 'spec.nodeName', value: nodeName } }).objects,
    ),
  )
  store.onCommit(({ changes }) => {
    for (const change of changes) if (workloads.has(`${change.object.key.group}/${change.object.key.resource}`)) ledger.take(change)
    ledger.endCommit()
  })
  const capacities = new WeakMap<StoredObject, number | undefined>()

  return ({ operation, kind, subresource, namespace, name, object, old, view }: AdmissionReview) => {
    if (!kind.workload || !object) return
    const changes = operation === 'update' && isVps(kind) && subresource === ''
    if (operation !== 'bind' && operation !== 'create' && !changes) return
    const nodeName = nodeNameOf(object)
    const node = nodeName === undefined ? undefined : view.get({ group: '', resource: 'nodes', namespace: '', name: nodeName })
    if (nodeName === undefined || !node) return
    const asked = memoryOf(object)
    if (asked === 0 || (changes && old && asked <= memoryOf(old))) return
    if (!capacities.has(node)) capacities.set(node, capacityOf(node))
    const capacity = capacities.get(node)
    if (capacity === undefined) return
    const key: ObjectKey = { group: kind.group, resource: kind.plural, namespace, name }
    const free = capacity - ledger.promisedOn(nodeName, key, view)
    if (asked > free) {
      const subject = { group: kind.group, resource: kind.plural, name }
      const lacks = `node ${nodeName} lacks memory (asks ${printBytes(asked)}, ${printBytes(Math.max(0, free))} free)`
      throw conflict(subject, changes ? `${lacks}; stop something there, or ask for less in spec.resources` : lacks)
    }
    ledger.admit({ key, uid: object.metadata.uid, nodeName, bytes: asked })
  }
}

/** What is promised on each node. */
class Ledger {
  private readonly committed = new Map<string, Holding>()
  private readonly sums = new Map<string, number>()
  /** Admitted and not yet committed, by node; `age` counts the commits since. */
  private readonly admitted = new Map<string, Map<string, { promise: Holding; age: number }>>()

  /** Nodes whose committed workloads have been looked at: others are when they are first asked about. */
  private readonly known = new Set<string>()
  private readonly bytes = new WeakMap<StoredObject, number>()

  constructor(private readonly committedOn: (nodeName: string) => readonly StoredObject[]) {}

  /** What counts on the node besides `except`, for a decision that sees `view`. */
  promisedOn(nodeName: string, except: ObjectKey, view: ReadView): number {
    if (!this.known.has(nodeName)) {
      this.known.add(nodeName)
      for (const object of this.committedOn(nodeName)) this.set(object)
    }
    const exceptText = printKey(except)
    let sum = this.sums.get(nodeName) ?? 0
    const own = this.committed.get(exceptText)
    if (own?.nodeName === nodeName) sum -= own.bytes
    for (const [text, { promise }] of this.admitted.get(nodeName) ?? []) {
      const known = this.committed.get(text)
      const counted = known?.nodeName === nodeName ? known.bytes : 0
      if (text !== exceptText) sum += Math.max(0, this.bytesIn(view, promise) - counted)
    }
    return sum
  }

  admit(promise: Holding): void {
    const text = printKey(promise.key)
    const onNode = this.admitted.get(promise.nodeName)
    if (onNode) onNode.set(text, { promise, age: 0 })
    else this.admitted.set(promise.nodeName, new Map([[text, { promise, age: 0 }]]))
  }

  take({ type, object }: Change): void {
    if (type === 'DELETED') this.replace(printKey(object.key), undefined)
    else this.set(object)
  }

  /** What is committed of one workload now. The memory of a Task is read once per binding: it cannot change. */
  set(object: StoredObject): void {
    const text = printKey(object.key)
    const { 'spec.nodeName': nodeName, 'status.phase': phase } = object.facets.fields
    const isTask = object.key.resource === Task.plural
    if (!nodeName || !this.known.has(nodeName) || (isTask && (phase === 'Succeeded' || phase === 'Failed'))) {
      this.replace(text, undefined)
      return
    }
    const place = { key: object.key, uid: object.uid, nodeName }
    if (isTask && this.isCommitted(text, place)) return
    this.replace(text, { ...place, bytes: this.read(object) })
  }

  /** What a decision that sees `view` sees of the promise. */
  private bytesIn(view: ReadView, { key, uid, nodeName, bytes }: Holding): number {
    const object = view.get(key)
    if (object?.uid !== uid || object.facets.fields['spec.nodeName'] !== nodeName) return 0
    return key.resource === Task.plural ? bytes : this.read(object)
  }

  /** A stored object never changes, so each is parsed at most once. */
  private read(object: StoredObject): number {
    const known = this.bytes.get(object)
    if (known !== undefined) return known
    const bytes = memoryOf(JSON.parse(object.bytes.toString('utf8')) as KubeObject)
    this.bytes.set(object, bytes)
    return bytes
  }

  endCommit(): void {
    for (const [nodeName, onNode] of this.admitted) {
      for (const [text, entry] of onNode) {
        const known = entry.promise.key.resource === Task.plural && this.isCommitted(text, entry.promise)
        if (known || ++entry.age > commitsUntilDropped) onNode.delete(text)
      }
      if (onNode.size === 0) this.admitted.delete(nodeName)
    }
  }

  private isCommitted(text: string, { uid, nodeName }: Pick<Holding, 'uid' | 'nodeName'>): boolean {
    const known = this.committed.get(text)
    return known?.uid === uid && known.nodeName === nodeName
  }

  private replace(text: string, next: Holding | undefined): void {
    const old = this.committed.get(text)
    if (old) this.add(old.nodeName, -old.bytes)
    if (next) {
      this.add(next.nodeName, next.bytes)
      this.committed.set(text, next)
    } else this.committed.delete(text)
  }

  private add(nodeName: string, bytes: number): void {
    const sum = (this.sums.get(nodeName) ?? 0) + bytes
    if (sum === 0) this.sums.delete(nodeName)
    else this.sums.set(nodeName, sum)
  }
}

const nodeNameOf = (object: KubeObject) => (object as { spec?: { nodeName?: string } }).spec?.nodeName || undefined

const memoryOf = (object: KubeObject) => promisedAmounts(object as unknown as Holder).memory ?? 0

const isVps = ({ group, plural }: Kind) => group === Vps.group && plural === Vps.plural

/** Undefined for a node whose agent has not said what it has: there nothing is judged, and nothing is scheduled either. */
function capacityOf(node: StoredObject): number | undefined {
  const { status } = JSON.parse(node.bytes.toString('utf8')) as { status?: { allocatable?: Record<string, string | number> } }
  const memory = status?.allocatable?.memory
  return memory === undefined ? undefined : memoryBytes(memory)
}
