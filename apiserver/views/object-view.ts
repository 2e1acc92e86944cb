/**
 * Views: kinds whose objects are computed on read from those of other kinds, and never stored. A view has the names, labels, revisions and
 * index of what is behind it, so lists, watches and selectors find its objects in the store as they are, and make them when they are sent.
 * The names of one kind behind it are the view's own; those of another have a prefix that none of the first can have.
 *
 *     const view = viewOf(Pod)
 *     const pod = view && shownObject(view, task)     // undefined: the view has no object for this Task
 */
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import type { StoredObject } from '../storage/store.js'
import { podView } from './pod/pod-view.js'

/** What a view shows. Pure. */
export interface ObjectView {
  readonly kind: Kind
  /** What it is a view of: the kinds of `kind.viewOf`. */
  readonly sources: readonly ViewSource[]
  /** The name of the one container that this object of the view has. */
  containerOf(object: KubeObject): string
  /** The log that is asked for, in the parameters of the object behind. Throws an ApiError where there is none yet. */
  logQuery(object: KubeObject, query: URLSearchParams): URLSearchParams
}

/** One kind that a view shows. Pure. */
export interface ViewSource {
  /** The kind that is stored. */
  readonly kind: Kind
  /** What the view puts before the names of its objects; empty for one kind of a view. */
  readonly prefix: string
  /** What becomes of the object behind one that is deleted: it is deleted too, or it is stopped as by an eviction, and stays. */
  readonly onDelete: 'delete' | 'stop'
  /** Whether there is an object for this one. Asked for each object of a list and each change: cheap. */
  hasObject(stored: StoredObject): boolean
  /** The object that is shown for this one, with its name; it may keep parts of it. */
  objectOf(source: KubeObject): KubeObject
}

const views: Readonly<Record<string, ObjectView>> = { '/pods': podView }

/** The view that a kind is; undefined for kinds that are stored. */
export function viewOf(kind: Kind): ObjectView | undefined {
  if (!kind.viewOf) return undefined
  const view = views[`${kind.group}/${kind.plural}`]
  if (!view) throw new Error(`nothing says how ${kind.plural} are seen`)
  return view
}

/** The kind behind the object of this name. */
export function sourceNamed(view: ObjectView, name: string): ViewSource {
  const { sources } = view
  const source = sources.find(({ prefix }) => prefix !== '' && name.startsWith(prefix)) ?? sources.find(({ prefix }) => prefix === '')
  if (!source) throw new Error(`nothing is behind the ${view.kind.kind} ${name}`)
  return source
}

/** What is stored behind the object of this name: itself, for a kind that is stored. */
export function behind(kind: Kind, namespace: string, name: string): { kind: Kind; namespace: string; name: string } {
  const view = viewOf(kind)
  if (!view) return { kind, namespace, name }
  const source = sourceNamed(view, name)
  return { kind: source.kind, namespace, name: name.slice(source.prefix.length) }
}

function sourceOf(view: ObjectView, { group, resource }: ObjectKey): ViewSource | undefined {
  return view.sources.find(({ kind }) => kind.plural === resource && kind.group === group)
}

/** What the view shows of a stored object, with the same revision and labels. Nothing is made before it is looked at. */
export function shownObject(view: ObjectView, stored: StoredObject): StoredObject | undefined {
  const source = sourceOf(view, stored.key)
  if (!source?.hasObject(stored)) return undefined
  let made: KubeObject | undefined
  const object = () => (made ??= source.objectOf(JSON.parse(stored.bytes.toString()) as KubeObject))
  const { key, revision, createRevision, facets } = stored
  return {
    key: { namespace: key.namespace, group: view.kind.group, resource: view.kind.plural, name: source.prefix + key.name },
    revision,
    createRevision,
    get uid() {
      return object().metadata.uid
    },
    get bytes() {
      return Buffer.from(JSON.stringify(object()))
    },
    facets: {
      labels: facets.labels,
      owners: facets.owners,
      claims: [],
      get fields() {
        return fieldsOf(object(), view.kind)
      },
    },
  }
}

/** The values of the fields that selectors may name. */
function fieldsOf(object: KubeObject, { indexed, selectable }: Kind): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const path of [...indexed, ...selectable]) {
    let value: unknown = object
    for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part]
    if (value !== undefined) fields[path] = String(value)
  }
  return fields
}
