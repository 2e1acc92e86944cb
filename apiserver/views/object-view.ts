/**
 * Views: kinds whose objects are computed on read from those of another kind, and never stored. A view has the names, labels, revisions and index
 * of what is behind it, so lists, watches and selectors find its objects in the store as they are, and make them when they are sent.
 *
 *     const view = viewOf(Pod)
 *     const pod = view && shownObject(view, task)     // undefined: the view has no object for this Task
 */
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { StoredObject } from '../storage/store.js'
import { podView } from './pod/pod-view.js'

/** What a view shows. Pure. */
export interface ObjectView {
  readonly kind: Kind
  /** The name of the one container that this object of the view has. */
  containerOf(object: KubeObject): string
  /** Whether it has an object for this one. Asked for each object of a list and each change: cheap. */
  hasObject(stored: StoredObject): boolean
  /** The object that it shows for this one, which it may keep parts of. */
  objectOf(source: KubeObject): KubeObject
  /** The log that is asked for, in the parameters of the object behind. Throws an ApiError where there is none yet. */
  logQuery(object: KubeObject, query: URLSearchParams): URLSearchParams
}

const views: Readonly<Record<string, ObjectView>> = { '/pods': podView }

/** The view that a kind is; undefined for kinds that are stored. */
export function viewOf(kind: Kind): ObjectView | undefined {
  if (!kind.viewOf) return undefined
  const view = views[`${kind.group}/${kind.plural}`]
  if (!view) throw new Error(`nothing says how ${kind.plural} are seen`)
  return view
}

/** What the view shows of a stored object, with the same revision and labels. Nothing is made before it is looked at. */
export function shownObject(view: ObjectView, stored: StoredObject): StoredObject | undefined {
  if (!view.hasObject(stored)) return undefined
  let made: KubeObject | undefined
  const object = () => (made ??= view.objectOf(JSON.parse(stored.bytes.toString()) as KubeObject))
  const { key, revision, createRevision, facets } = stored
  return {
    key: { ...key, group: view.kind.group, resource: view.kind.plural },
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
