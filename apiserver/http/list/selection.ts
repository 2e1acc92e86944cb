import { badRequest } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { type FieldRequirement, parseFieldSelector } from '../../../lib/api/field-selector.js'
import { matchesLabels, parseLabelSelector } from '../../../lib/api/label-selector.js'
import { fieldText } from '../../registry/extract-facets.js'
import { parseStored } from '../../registry/object-bytes.js'
import type { StoredObject } from '../../storage/store.js'
import { type ObjectView, shownObject, sourceNamed, viewOf } from '../../views/object-view.js'

/** The objects of one kind that a list, watch or deletecollection is about. */
export interface Selection {
  readonly kind: Kind
  /**
   * Where its objects are found: `kind` itself, or the kinds behind the view that `kind` is, as far as they have a name that it asks for.
   */
  readonly sources: readonly SelectionSource[]
  readonly view: ObjectView | undefined
  /** Empty: all namespaces. */
  readonly namespace: string
  /** Equal for selections that select the same. */
  readonly key: string
  /** Whether nothing but kind and namespace restricts it: every stored object there is one of it. */
  readonly isWhole: boolean
  /** Equality terms of the field selector; the authorizer and the indexes look at them. */
  readonly fieldEquals: Readonly<Record<string, string>>
  /** Whether it is about this object of its kind. */
  matches(object: StoredObject): boolean
}

/** A stored kind that the objects of a selection are found among. */
export interface SelectionSource {
  readonly kind: Kind
  /** What the view puts before its names. */
  readonly prefix: string
  /** The equality of stored objects that a map can answer, the most telling one; undefined when only a scan can. */
  readonly term: { readonly path: string; readonly value: string } | undefined
}

export interface SelectionOptions {
  readonly kind: Kind
  readonly namespace: string
  readonly labelSelector: string
  readonly fieldSelector: string
}

/** Throws BadRequest for selectors that cannot be read and for fields that the kind does not select by. */
export function createSelection(options: SelectionOptions): Selection {
  const { kind, namespace } = options
  const labels = options.labelSelector === '' ? undefined : parseLabelSelector(options.labelSelector)
  const fields = options.fieldSelector === '' ? [] : parseFieldSelector(options.fieldSelector)
  const selectable = new Set(['metadata.name', 'metadata.namespace', ...kind.indexed, ...kind.selectable])
  for (const { path } of fields) if (!selectable.has(path)) throw badRequest(`field label not supported: ${path}`)
  const view = viewOf(kind)
  const fieldEquals = Object.fromEntries(fields.filter((field) => field.operator === '=').map((field) => [field.path, field.value]))
  return {
    kind,
    sources: sourcesOf(kind, view, namespace, fieldEquals),
    view,
    namespace,
    key: JSON.stringify([kind.apiVersion, kind.plural, namespace, options.labelSelector, options.fieldSelector]),
    isWhole: labels === undefined && fields.length === 0 && view === undefined,
    fieldEquals,
    matches: (object) =>
      (namespace === '' || object.key.namespace === namespace) &&
      fields.every((field) => (fieldValue(kind, object, field) === field.value) === (field.operator === '=')) &&
      (labels === undefined || matchesLabels(labels, object.facets.labels)),
  }
}

/** The stored object as the selection shows it; undefined when it is not about it. */
export function select(selection: Selection, stored: StoredObject): StoredObject | undefined {
  const object = selection.view ? shownObject(selection.view, stored) : stored
  return object && selection.matches(object) ? object : undefined
}

function fieldValue({ definedBy }: Kind, object: StoredObject, { path }: FieldRequirement): string {
  if (path === 'metadata.name') return object.key.name
  if (path === 'metadata.namespace') return object.key.namespace
  const value = object.facets.fields[path]
  // An object that is older than its definition may have been stored before the field became selectable.
  if (value === undefined && definedBy && object.revision <= definedBy.since) return fieldText(parseStored(object), path) ?? ''
  return value ?? ''
}

function sourcesOf(
  kind: Kind,
  view: ObjectView | undefined,
  namespace: string,
  fieldEquals: Selection['fieldEquals'],
): readonly SelectionSource[] {
  const name = fieldEquals['metadata.name'] ?? ''
  const term = indexedTerm(kind, namespace, fieldEquals)
  if (!view) return [{ kind, prefix: '', term }]
  if (name === '') return view.sources.map((source) => ({ kind: source.kind, prefix: source.prefix, term }))
  const { kind: stored, prefix } = sourceNamed(view, name)
  return [{ kind: stored, prefix, term: { path: 'metadata.name', value: name.slice(prefix.length) } }]
}

function indexedTerm(kind: Kind, namespace: string, fieldEquals: Selection['fieldEquals']): SelectionSource['term'] {
  for (const path of ['metadata.name', ...kind.indexed]) {
    const value = fieldEquals[path]
    if (value !== undefined && value !== '') return { path, value }
  }
  return namespace === '' ? undefined : { path: 'metadata.namespace', value: namespace }
}
