import { forbiddenField, type StatusCause } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import type { IPClaim, IPClaimSpec } from '../../../lib/api/kinds/ip-claim.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import type { ReadView } from '../../storage/store.js'
import { runningKinds } from './bound-kinds.js'

type Holder = NonNullable<IPClaimSpec['holder']>
type View = Pick<ReadView, 'get'>

/** A node makes claims for what is bound to it, of its own range: each owned by the workload that has the address. */
export function restrictNewClaim(node: string, next: KubeObject, view: View): StatusCause[] {
  const { metadata, spec } = next as unknown as IPClaim
  const { holder } = spec
  const owners = metadata.ownerReferences ?? []
  const isOwner = owners.length === 1 && holder !== undefined && owners[0]?.uid === holder.uid && owners[0].kind === holder.kind
  return [
    ...ofOwnRange(node, spec),
    ...(holder && isBoundHere(node, metadata.namespace, holder, view) ? [] : [notBound]),
    ...(isOwner ? [] : [forbiddenField('metadata.ownerReferences', 'a node makes claims that their holder owns')]),
    ...(metadata.finalizers?.length ? [forbiddenField('metadata.finalizers', 'a node makes claims without finalizers')] : []),
  ]
}

/** It writes who has the address: a workload that is bound to it and was promised this claim, or nobody once that is gone from it. */
export function restrictHeldClaim(node: string, old: KubeObject, next: KubeObject, view: View): StatusCause[] {
  const { metadata, spec } = next as unknown as IPClaim
  const { spec: before, metadata: was } = old as unknown as IPClaim
  const { holder: holderBefore, ...restBefore } = before
  const { holder, ...rest } = spec
  const same = sameValue(holder, holderBefore)
  const takes = same || !holder || (isBoundHere(node, was.namespace, holder, view) && isPromised(old, holder, view))
  const leaves = same || !holderBefore || isFree(node, metadata.namespace, holderBefore, view)
  return [
    ...ofOwnRange(node, before),
    ...(sameValue(rest, restBefore) ? [] : [forbiddenField('spec', 'a node changes the holder alone')]),
    ...(takes ? [] : [notBound]),
    ...(leaves ? [] : [forbiddenField('spec.holder', 'another has the address')]),
  ]
}

/** It deletes a claim of its range that was made for a workload, wherever that is by now, and none that people keep. */
export function restrictGoneClaim(node: string, old: KubeObject): StatusCause[] {
  const { metadata, spec } = old as unknown as IPClaim
  const owners = metadata.ownerReferences ?? []
  const ownOnly = owners.length > 0 && owners.every((owner) => runningKinds.some(({ kind }) => kind === owner.kind))
  return [
    ...ofOwnRange(node, spec),
    ...(ownOnly ? [] : [forbiddenField('metadata.ownerReferences', 'a node deletes the claims that were made for workloads alone')]),
  ]
}

const notBound = forbiddenField('spec.holder', 'must be a workload that is bound to this node and has this claim')

const ofOwnRange = (node: string, spec: IPClaimSpec) => (spec.nodeName === node ? [] : [forbiddenField('spec.nodeName', `must be ${node}`)])

type Named = Pick<Holder, 'name' | 'uid'> & { readonly kind: string }

function find(namespace: string | undefined, { kind: kindName, name, uid }: Named, view: View) {
  const kind = runningKinds.find(({ kind }) => kind === kindName)
  const object = kind && view.get({ group: kind.group, resource: kind.plural, namespace: namespace ?? '', name })
  return object?.uid === uid ? object : undefined
}

function isBoundHere(node: string, namespace: string | undefined, holder: Named, view: View): boolean {
  return find(namespace, holder, view)?.facets.fields['spec.nodeName'] === node
}

/** Whether nobody elsewhere has it: the workload is bound here, or is no more. */
function isFree(node: string, namespace: string | undefined, holder: Named, view: View): boolean {
  const object = find(namespace, holder, view)
  return object === undefined || object.facets.fields['spec.nodeName'] === node
}

/** Whether the claim was made for the workload, or the workload names it. */
function isPromised({ metadata }: KubeObject, holder: Holder, view: View): boolean {
  if (metadata.ownerReferences?.some(({ uid }) => uid === holder.uid)) return true
  const object = holder.kind === Vps.kind ? find(metadata.namespace, holder, view) : undefined
  return object !== undefined && (JSON.parse(object.bytes.toString()) as Vps).spec.addressClaim === metadata.name
}
