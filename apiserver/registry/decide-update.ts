import { badRequest, conflict, forbiddenField, invalidValue, staleResourceVersion } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { timestamp } from '../../lib/base/clock.js'
import type { Decision, ReadView, StoredObject } from '../storage/store.js'
import type { Track } from './field-tracking.js'
import { isStoredAs, parseStored, toDraft } from './object-bytes.js'
import type { RequestContext, Target } from './registry.js'
import type { RegistryParts } from './registry-write.js'
import { type ResourceRules, refuse, subjectOf } from './resource-rules.js'
import { arrange, changedMetadata } from './server-metadata.js'

/** What a PUT or PATCH asks for, worked out against the object as it is in the committer's turn. */
export interface Change {
  /** The object as the client wants it; a patch parses the stored one for itself, with its resourceVersion. */
  readonly next: (stored: StoredObject) => KubeObject
  /** Whether the request itself named the resourceVersion that it had read. */
  readonly guarded: boolean
  /** Who manages which fields after it. */
  readonly track: Track
}

/** PUT and PATCH from the stored object to a decision: one path for both, and for every subresource. */
export function decideUpdate(
  parts: RegistryParts,
  rules: ResourceRules,
  target: Target,
  change: Change,
  stored: StoredObject,
  view: ReadView,
  context: RequestContext,
): Decision {
  const { kind, strategy } = rules
  parts.kinds.assertCurrent(kind, view)
  const old = parseStored(rules.serve(stored))
  const wanted = change.next(stored)
  assertSameObject(target, wanted, old)
  const base: KubeObject = { ...old, metadata: arrange(old.metadata) }
  const next = splitSubresource(rules, target.subresource, wanted, base)
  rules.assertShape(next, base)
  next.metadata = target.subresource === '' ? changedMetadata(next.metadata, base.metadata) : base.metadata
  const facts = { user: context.user, nowMs: parts.clock.now(), subresource: target.subresource, guarded: change.guarded }
  strategy.prepareUpdate?.(next, base, facts)
  strategy.settle?.(next, view, facts.nowMs)
  const differs = !sameValue(next, base)
  const entries = change.track({ base, next, wanted, differs, time: timestamp(facts.nowMs) })
  if (!differs && sameValue(entries, base.metadata.managedFields) && isStoredAs(rules, stored)) return { type: 'unchanged' }
  if (entries !== base.metadata.managedFields) next.metadata = arrange({ ...next.metadata, managedFields: entries && [...entries] })
  if (desireChanged(rules, next, base)) next.metadata = arrange({ ...next.metadata, generation: (base.metadata.generation ?? 0) + 1 })
  rules.assertRules(next, base)
  const causes = strategy.validateUpdate?.(next, base, facts) ?? []
  refuse(kind, target.name, [...causes, ...addedFinalizerCauses(next, base)])
  const { namespace, name, subresource } = target
  const review = { operation: 'update', kind, subresource, namespace, name, object: next, old: base, user: context.user, view } as const
  for (const admit of parts.admission) admit(review)
  return { type: isGone(rules, next) ? 'delete' : 'put', draft: toDraft(rules, next) }
}

/** Throws when the body is about another object, or about another state of this one. */
function assertSameObject(target: Target, wanted: KubeObject, old: KubeObject): void {
  const subject = subjectOf(target.kind, target.name)
  const { name, namespace, uid, resourceVersion } = wanted.metadata
  if (wanted.apiVersion !== old.apiVersion || wanted.kind !== old.kind)
    throw badRequest('apiVersion and kind of an object cannot be changed')
  if (uid && uid !== old.metadata.uid)
    throw conflict(subject, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`)
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw staleResourceVersion(subject)
  if (name && name !== old.metadata.name) refuse(target.kind, target.name, [invalidValue('metadata.name', name, 'field is immutable')])
  if (namespace && namespace !== old.metadata.namespace)
    refuse(target.kind, target.name, [invalidValue('metadata.namespace', namespace, 'field is immutable')])
}

/** The wanted object with every part as before that this endpoint does not write. */
function splitSubresource(rules: ResourceRules, subresource: Target['subresource'], wanted: KubeObject, base: KubeObject): KubeObject {
  switch (subresource) {
    case '':
      return rules.kind.subresources.includes('status') ? withField(wanted, 'status', base.status) : { ...wanted }
    case 'status':
      return withField(base, 'status', wanted.status)
    case 'scale':
      return withField({ ...wanted }, 'status', base.status)
    case 'approval':
      return withField(base, 'status', { ...asRecord(base.status), conditions: asRecord(wanted.status).conditions })
    case 'finalize':
      return withField(base, 'spec', { ...asRecord(base.spec), finalizers: asRecord(wanted.spec).finalizers })
  }
}

function withField(object: KubeObject, field: string, value: unknown): KubeObject {
  const { [field]: _old, ...rest } = object
  return (value === undefined ? rest : { ...rest, [field]: value }) as KubeObject
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

/** Whether anything but metadata (and status, where it is split off) differs. */
function desireChanged(rules: ResourceRules, next: KubeObject, base: KubeObject): boolean {
  const { metadata: _nextMetadata, ...nextRest } = next
  const { metadata: _baseMetadata, ...baseRest } = base
  if (!rules.kind.subresources.includes('status')) return !sameValue(nextRest, baseRest)
  return !sameValue({ ...nextRest, status: undefined }, { ...baseRest, status: undefined })
}

function addedFinalizerCauses(next: KubeObject, base: KubeObject) {
  if (!base.metadata.deletionTimestamp) return []
  const before = new Set(base.metadata.finalizers)
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer))
  if (added.length === 0) return []
  const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
  return [
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
    ),
  ]
}

/** Whether nothing holds the deletion that has begun. */
export function isGone({ strategy }: ResourceRules, object: KubeObject): boolean {
  const { deletionTimestamp, finalizers = [] } = object.metadata
  return Boolean(deletionTimestamp) && finalizers.length === 0 && !strategy.holdsDeletion?.(object)
}
