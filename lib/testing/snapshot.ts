import type { Registry } from '../../apiserver/registry/registry.js'
import type { Change, Store, StoredObject } from '../../apiserver/storage/store.js'
import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { ObjectName } from '../client/client.js'
import { decodeAnswer } from '../client/decode-answer.js'

/** The objects of a cluster as they are at one revision. They are shared: nobody changes them. */
export interface Snapshot {
  readonly revision: number
  /** What the revision did, as `MODIFIED tasks default/hello`. */
  readonly change: string
  /** Sorted by name; without a namespace, of all. */
  list<K extends Kind>(kind: K, namespace?: string): Resource<K>[]
  get<K extends Kind>(kind: K, at: ObjectName): Resource<K> | undefined
}

/** As things are now. */
export function snapshotNow(store: Store): Snapshot {
  return snapshotOf(store.revision, 'nothing', ({ group, plural }) => store.list({ group, resource: plural }).objects)
}

/** Calls `look` at every revision of the store from the next one on, also at those that were committed together. */
export function atEveryRevision(store: Store, registry: Registry, look: (snapshot: Snapshot) => void): void {
  const objects = new Map<string, Map<string, StoredObject>>()
  for (const { group, plural } of registry.kinds) {
    const names = store.list({ group, resource: plural }).objects.map((stored) => [nameOf(stored), stored] as const)
    objects.set(`${group}/${plural}`, new Map(names))
  }
  const take = ({ type, object }: Change) => {
    const { group, resource } = object.key
    const resources = objects.get(`${group}/${resource}`) ?? new Map<string, StoredObject>()
    objects.set(`${group}/${resource}`, resources)
    if (type === 'DELETED') resources.delete(nameOf(object))
    else resources.set(nameOf(object), object)
  }
  const storedOf = ({ group, plural }: Kind) => [...(objects.get(`${group}/${plural}`)?.values() ?? [])]
  store.onCommit(({ changes }) => {
    for (const change of changes) {
      take(change)
      look(snapshotOf(change.revision, `${change.type} ${change.object.key.resource} ${nameOf(change.object)}`, storedOf))
    }
  })
}

function snapshotOf(revision: number, change: string, storedOf: (kind: Kind) => readonly StoredObject[]): Snapshot {
  const list = <K extends Kind>(kind: K, namespace?: string): Resource<K>[] =>
    storedOf(kind)
      .filter(({ key }) => namespace === undefined || key.namespace === namespace)
      .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
      .map((stored) => parsed(stored) as unknown as Resource<K>)
  return {
    revision,
    change,
    list,
    get<K extends Kind>(kind: K, { namespace = 'default', name }: ObjectName) {
      const place = kind.scope === 'Namespaced' ? namespace : ''
      const stored = storedOf(kind).find(({ key }) => key.name === name && key.namespace === place)
      return stored && (parsed(stored) as unknown as Resource<K>)
    },
  }
}

function nameOf({ key: { namespace, name } }: StoredObject): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

/** Most objects are looked at in many revisions. */
const forms = new WeakMap<StoredObject, KubeObject>()

function parsed(stored: StoredObject): KubeObject {
  const known = forms.get(stored)
  if (known) return known
  const form = decodeAnswer(stored.bytes.toString()) as KubeObject
  forms.set(stored, form)
  return form
}
