/**
 * The filters, in the order in which they are asked: what a person set about the node first, what other workloads hold last. A refusal
 * names the first filter that a node fails.
 */
import { addressClaimFilter } from './address-claim.js'
import { affinityFilter } from './affinity.js'
import { backendFilter } from './backend.js'
import { cordonFilter } from './cordon.js'
import type { Filter } from './filter.js'
import { hostPortsFilter } from './host-ports.js'
import { nodeSelectorFilter } from './node-selector.js'
import { readyFilter } from './ready.js'
import { resourcesFilter } from './resources.js'
import { taintsFilter } from './taints.js'
import { targetFilter } from './target.js'

export const filters: readonly Filter[] = [
  cordonFilter,
  readyFilter,
  targetFilter,
  addressClaimFilter,
  nodeSelectorFilter,
  affinityFilter,
  taintsFilter,
  backendFilter,
  resourcesFilter,
  hostPortsFilter,
]
