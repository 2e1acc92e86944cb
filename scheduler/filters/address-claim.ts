import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'
import { type ClusterFacts, type Filter, tally, verb } from './filter.js'

/** The node is the one whose range has the address that spec.addressClaim names. */
export const addressClaimFilter: Filter = {
  name: 'AddressClaim',
  matters: (workload) => workload.addressClaim !== undefined,
  passes: (workload, node, cluster) => refusalOf(workload, node, cluster) === undefined,
  explain: (workload, failures, cluster) =>
    `${verb(failures, 'does', 'do')} not have the address: ${tally(failures, (node) => refusalOf(workload, node, cluster) ?? '')}`,
}

function refusalOf({ namespace, uid, addressClaim = '' }: Workload, { name }: NodeState, cluster: ClusterFacts): string | undefined {
  const claim = cluster.addressClaim(namespace, addressClaim)
  if (!claim) return `there is no IPClaim ${addressClaim}`
  if (claim.holder !== undefined && claim.holder.uid !== uid)
    return `IPClaim ${addressClaim} is held by ${claim.holder.kind} ${claim.holder.name}`
  if (claim.nodeName === undefined) return `IPClaim ${addressClaim} is of no node yet`
  return claim.nodeName === name ? undefined : `IPClaim ${addressClaim} is of node ${claim.nodeName}`
}
