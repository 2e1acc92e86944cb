import { parseRange } from '../../lib/api/address-range.js'
import { forbidden } from '../../lib/api/api-error.js'
import { IPClaim, type IPClaimSpec } from '../../lib/api/kinds/ip-claim.js'
import { Node } from '../../lib/api/kinds/node.js'
import { nodeNameOf } from '../auth/user.js'
import { nodeRangeField } from '../registry/strategies/node.js'
import type { Admit } from './admit.js'

/** So many a namespace may have of any node, however small its range is. */
const always = 16

/**
 * Half of a node's addresses may be reserved in one namespace, so that who reserves all that they may leaves room for others. What a node
 * claims for its workloads is counted, and never refused: how many it takes is bounded by the node.
 */
export const admitAddressShare: Admit = ({ operation, kind, namespace, name, object, user, view }) => {
  if (operation !== 'create' || kind.plural !== IPClaim.plural || kind.group !== IPClaim.group || !object) return
  if (nodeNameOf(user) !== undefined) return
  const { nodeName = '' } = object.spec as IPClaimSpec
  const node = view.get({ group: Node.group, resource: Node.plural, namespace: '', name: nodeName })
  const share = Math.max(always, Math.floor((parseRange(node?.facets.fields[nodeRangeField] ?? '')?.size ?? 0) / 2))
  let held = 0
  for (const { facets } of view.scan(IPClaim.group, IPClaim.plural, namespace)) {
    if (facets.fields['spec.nodeName'] !== nodeName || ++held < share) continue
    const subject = { group: kind.group, resource: kind.plural, name }
    throw forbidden(
      subject,
      `exceeded quota: the namespace ${namespace} holds ${share} addresses of node "${nodeName}", half of its range, which is all that may be reserved there; delete IPClaims that nothing needs (kubectl-lite get ipclaims -n ${namespace})`,
    )
  }
}
