/**
 * What a node's write may change. The authorizer has judged by names, before the write; this judges the change itself, in the store's turn,
 * on the objects as they are then. A write of anybody else is not its business.
 *
 *     const causes = nodeRestriction({ user, kind, subresource: 'status', old, next, view })
 *     if (causes.length > 0) throw forbidden(subject, 'a node may not do this', causes)
 */
import { forbiddenField, type StatusCause } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { nodeLeaseNamespace } from '../../../lib/api/kinds/lease.js'
import { nodeCleanupFinalizer } from '../../../lib/api/kinds/workload.js'
import { type FieldSet, isEmptySet, noFields } from '../../../lib/api/managed-fields/field-set.js'
import { managedFieldsOf } from '../../../lib/api/managed-fields/managed-entry.js'
import type { ReadView } from '../../storage/store.js'
import type { UserInfo } from '../user.js'
import { nodeNameOf } from '../user.js'
import { boundKindOf, isBoundKind } from './bound-kinds.js'
import { changedLabels, isProtected, mayRegisterWithLabel, mayReportLabel } from './node-labels.js'
import { appliedByOthers, restrictStatus } from './reported-status.js'
import { restrictGoneClaim, restrictHeldClaim, restrictNewClaim } from './restrict-claim.js'

export interface NodeWrite {
  readonly user: UserInfo
  readonly kind: Pick<Kind, 'group' | 'plural'>
  readonly subresource: string
  /** The object as it is; undefined for a create. */
  readonly old: KubeObject | undefined
  /** The object as it would be, after defaulting and patching; undefined for a delete. */
  readonly next: KubeObject | undefined
  /** Objects as they are when the write is decided. */
  readonly view: Pick<ReadView, 'get'>
}

/** Why a write of a node is not allowed, field by field; nothing when it is, or when the user is no node. Pure. */
export function nodeRestriction(write: NodeWrite): readonly StatusCause[] {
  const node = nodeNameOf(write.user)
  if (node === undefined) return []
  const { next, old } = write
  const isClaim = write.kind.group === IPClaim.group && write.kind.plural === IPClaim.plural
  if (isClaim && write.subresource === '') return restrictClaim(node, write)
  if (next === undefined) return [forbiddenField('metadata.name', 'a node deletes nothing')]
  if (isBoundKind(write.kind))
    return old === undefined
      ? [forbiddenField('metadata.name', `a node makes no ${write.kind.plural}`)]
      : restrictBound(node, write.subresource, old, next)
  switch (`${write.kind.group}/${write.kind.plural}`) {
    case '/nodes':
      return restrictNode(node, write.subresource, old, next)
    case 'coordination.k8s.io/leases':
      return restrictLease(node, next)
    case '/events':
      return [...(old ? restrictEvent(node, old, write) : []), ...restrictEvent(node, next, write)]
    case 'certificates.k8s.io/certificatesigningrequests':
      return old === undefined ? [] : [forbiddenField('metadata.name', 'a request for a certificate does not change')]
    default:
      return [forbiddenField('metadata.name', 'a node writes no objects of this kind')]
  }
}

/** A node reports how it is with what is bound to it, and takes its finalizer away when nothing of it is left. */
function restrictBound(node: string, subresource: string, old: KubeObject, next: KubeObject): StatusCause[] {
  if (specOf(old).nodeName !== node) return [forbiddenField('spec.nodeName', `the ${old.kind} is not bound to this node`)]
  if (subresource === 'status') return [...differences(old, next, ['status']), ...restrictStatus(old, next)]
  if (subresource !== '') return [forbiddenField('metadata.name', `a node does not write the subresource ${subresource}`)]
  const kept = (old.metadata.finalizers ?? []).filter((finalizer) => finalizer !== nodeCleanupFinalizer)
  const rest = next.metadata.finalizers ?? []
  const onlyCleanup = sameValue(rest, kept) || sameValue(rest, old.metadata.finalizers ?? [])
  return [
    ...differences(old, next, [], ['finalizers']),
    ...(onlyCleanup ? [] : [forbiddenField('metadata.finalizers', `a node removes ${nodeCleanupFinalizer} alone`)]),
  ]
}

function restrictClaim(node: string, { old, next, view }: NodeWrite): StatusCause[] {
  if (!old) return next ? restrictNewClaim(node, next, view) : []
  if (!next) return restrictGoneClaim(node, old)
  return [...differences(old, next, ['spec']), ...restrictHeldClaim(node, old, next, view)]
}

function restrictNode(node: string, subresource: string, old: KubeObject | undefined, next: KubeObject): StatusCause[] {
  if (next.metadata.name !== node) return [forbiddenField('metadata.name', `a node writes the Node of its own name alone, ${node}`)]
  if (old !== undefined && subresource === 'status') return differences(old, next, ['status'])
  if (subresource !== '') return [forbiddenField('metadata.name', `a node does not write the subresource ${subresource}`)]
  const mayHaveLabel = old === undefined ? mayRegisterWithLabel : mayReportLabel
  const words = [
    ...changedLabels(old?.metadata.labels, next.metadata.labels)
      .filter((key) => !mayHaveLabel(key))
      .map((key) => `metadata.labels[${key}]`),
    ...changedLabels(old?.metadata.annotations, next.metadata.annotations)
      .filter(isProtected)
      .map((key) => `metadata.annotations[${key}]`),
  ].map((field) => forbiddenField(field, 'a node does not say this of itself'))
  if (old !== undefined) return [...words, ...differences(old, next, ['status'], ['labels', 'annotations'])]
  const { finalizers, ownerReferences } = next.metadata
  const bound = Boolean(finalizers?.length || ownerReferences?.length)
  return [...words, ...(bound ? [forbiddenField('metadata', 'a node registers without finalizers and owners')] : [])]
}

function restrictLease(node: string, next: KubeObject): StatusCause[] {
  const own = next.metadata.name === node && next.metadata.namespace === nodeLeaseNamespace
  const holder = specOf(next).holderIdentity
  return [
    ...(own ? [] : [forbiddenField('metadata.name', `a node writes the Lease ${nodeLeaseNamespace}/${node} alone`)]),
    ...(holder === undefined || holder === node ? [] : [forbiddenField('spec.holderIdentity', `must be ${node}`)]),
  ]
}

/** Events about itself and about what is bound to it, in its own name and in their namespace. */
function restrictEvent(node: string, event: KubeObject, { view }: NodeWrite): StatusCause[] {
  const { kind, name = '', uid, namespace = '' } = (event.involvedObject ?? {}) as Reference
  const eventNamespace = event.metadata.namespace ?? ''
  const bound = eventNamespace === namespace ? boundKindOf(kind) : undefined
  const isItself = kind === 'Node' && name === node && eventNamespace === 'default'
  const about = bound
    ? view.get({ group: bound.group, resource: bound.plural, namespace, name })
    : view.get({ group: '', resource: 'nodes', namespace: '', name: node })
  const own = bound ? about?.facets.fields['spec.nodeName'] === node : isItself
  const host = (event.source as { host?: string } | undefined)?.host
  return [
    ...(own ? [] : [forbiddenField('involvedObject', 'a node reports about itself and what is bound to it alone')]),
    ...(own && uid && about && uid !== about.uid ? [forbiddenField('involvedObject.uid', 'is of another object')] : []),
    ...(host === node ? [] : [forbiddenField('source.host', `must be ${node}`)]),
  ]
}

interface Reference {
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
  readonly uid?: string
}

/** Kept by the server, whatever a client sends; of the managers, see appliedBeyond. */
const bookkeeping = new Set(['resourceVersion', 'managedFields', 'generation'])

/** One cause for each field, and each field of metadata, that differs and may not. */
function differences(old: KubeObject, next: KubeObject, fields: readonly string[], metadata: readonly string[] = []): StatusCause[] {
  const changed = (before: object, after: object, may: (key: string) => boolean, prefix: string) =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((key) => !may(key) && !sameValue(before[key as never], after[key as never]))
      .map((key) => forbiddenField(`${prefix}${key}`, 'a node does not change this'))
  return [
    ...changed(old, next, (key) => key === 'metadata' || fields.includes(key), ''),
    ...changed(old.metadata, next.metadata, (key) => bookkeeping.has(key) || metadata.includes(key), 'metadata.'),
    ...(sameValue(appliedBeyond(old, fields, metadata), appliedBeyond(next, fields, metadata))
      ? []
      : [forbiddenField('metadata.managedFields', 'a node does not change who applied what others own')]),
  ]
}

/**
 * What managers have applied besides these fields. Whoever said of somebody that he had applied a field
 * would have it removed by his next apply, which does not name it.
 */
function appliedBeyond(object: KubeObject, fields: readonly string[], metadata: readonly string[]): readonly object[] {
  const without = (set: FieldSet, names: readonly string[]) =>
    Object.fromEntries(Object.entries(set).filter(([element]) => element !== '.' && !names.includes(element.slice(2))))
  const isBound = boundKindOf(object.kind) !== undefined
  return managedFieldsOf(object).flatMap(({ manager, operation, subresource = '', fieldsV1 }) => {
    if (operation !== 'Apply') return []
    const own = without(fieldsV1['f:metadata'] ?? {}, metadata)
    const rest = without(fieldsV1, [...fields, 'metadata'])
    const others = fields.includes('status') && isBound ? appliedByOthers(object.kind, fieldsV1['f:status'] ?? noFields) : noFields
    return [own, rest, others].every(isEmptySet) ? [] : [{ manager, subresource, own, rest, others }]
  })
}

function specOf(object: KubeObject): { nodeName?: string; holderIdentity?: string } {
  return (object.spec ?? {}) as { nodeName?: string; holderIdentity?: string }
}
