import { conflict, forbidden } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { IPClaim, type IPClaimSpec } from '../../lib/api/kinds/ip-claim.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { nodeNameOf } from '../auth/user.js'
import type { ReadView, StoredObject } from '../storage/store.js'
import type { Admit } from './admit.js'

type Holder = NonNullable<IPClaimSpec['holder']>

/**
 * Who has an address: a workload that is bound to the claim's node, and one alone. While it lasts, nobody but the node, which knows when
 * nothing of it is left, gives the address back; so no two machines ever answer to one.
 */
export const admitAddressClaims: Admit = ({ kind, namespace, name, object, old, user, view }) => {
  if (kind.plural !== IPClaim.plural || kind.group !== IPClaim.group) return
  const subject = { group: kind.group, resource: kind.plural, name }
  const before = old && specOf(old)
  const after = object && specOf(object)
  if (before?.holder && sameValue(before.holder, after?.holder)) return
  const isRelease = after?.holder === undefined
  if (before?.holder && isHeld(before, namespace, view) && !(isRelease && nodeNameOf(user) !== undefined))
    throw conflict(
      subject,
      `${before.address} is held by ${before.holder.kind} "${namespace}/${before.holder.name}", which runs with it; delete that first`,
    )
  if (after?.holder && !isBound(holderOf(after.holder, namespace, view), after))
    throw forbidden(
      subject,
      `spec.holder: no ${after.holder.kind} "${namespace}/${after.holder.name}" of this uid is bound to node ${after.nodeName}`,
    )
}

/** What has ended for good needs no address, and what went to another node has one there. */
function isHeld(spec: IPClaimSpec, namespace: string, view: ReadView): boolean {
  const holder = spec.holder && holderOf(spec.holder, namespace, view)
  const phase = holder?.facets.fields['status.phase']
  const isOver = spec.holder?.kind === Task.kind && (phase === 'Succeeded' || phase === 'Failed')
  return isBound(holder, spec) && !isOver
}

const isBound = (holder: StoredObject | undefined, { nodeName, holder: named }: IPClaimSpec) =>
  holder !== undefined && holder.uid === named?.uid && holder.facets.fields['spec.nodeName'] === nodeName

function holderOf({ kind, name }: Holder, namespace: string, view: ReadView): StoredObject | undefined {
  const { group, plural: resource } = kind === Task.kind ? Task : Vps
  return view.get({ group, resource, namespace, name })
}

const specOf = (object: KubeObject) => object.spec as IPClaimSpec
