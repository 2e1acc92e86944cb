import { type AddressRange, overlap, parseNodeRange, parseRange } from '../../../lib/api/address-range.js'
import { conflict, invalidValue, type StatusCause } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { Node, type NodeSpec } from '../../../lib/api/kinds/node.js'
import type { ReadView, StoredObject } from '../../storage/store.js'
import type { Strategy } from './strategy.js'

/** Not selectable: the range of a node among the facets, so that ranges are compared without reading Nodes. */
export const nodeRangeField = 'spec.podCIDR'

/** So many claims are named to whoever would take their range away. */
const claimsNamed = 3

/**
 * A node's range is judged in the turn in which it is written, against those of all others: whoever gives ranges, and however many do, no
 * two nodes share an address. It can change while nobody has one of its addresses.
 */
export function nodeStrategy(): Strategy {
  const ranges = new WeakMap<StoredObject, { readonly range: AddressRange | undefined }>()

  function rangeOf(node: StoredObject): AddressRange | undefined {
    const known = ranges.get(node)
    if (known) return known.range
    const range = parseRange(node.facets.fields[nodeRangeField] ?? '')
    ranges.set(node, { range })
    return range
  }

  return {
    prepareCreate: (object) => completeRanges(object, undefined),
    prepareUpdate: completeRanges,

    settle(object, view) {
      const { name } = object.metadata
      const { podCIDR } = specOf(object)
      const before = view.get(keyOf(name))?.facets.fields[nodeRangeField]
      if (podCIDR === before) return
      if (before !== undefined) assertUnused(name, before, view)
      const range = parseRange(podCIDR ?? '')
      if (!range) return
      for (const other of view.scan(Node.group, Node.plural)) {
        const taken = other.key.name === name ? undefined : rangeOf(other)
        if (taken && overlap(range, taken))
          throw conflict(
            keyOf(name),
            `spec.podCIDR ${podCIDR} overlaps with ${other.facets.fields[nodeRangeField]} of node "${other.key.name}"`,
          )
      }
    },

    validate: (object) => rangeCauses(specOf(object)),

    fields(object) {
      const { podCIDR } = specOf(object)
      return podCIDR === undefined ? {} : { [nodeRangeField]: podCIDR }
    },
  }
}

/** Whoever writes one of the two fields means both. */
function completeRanges(object: KubeObject, old: KubeObject | undefined): void {
  if (old && object.spec === old.spec) return
  const { podCIDR, podCIDRs, ...spec } = specOf(object)
  const before = old ? specOf(old) : {}
  const isListOld = podCIDRs === undefined || podCIDRs.length === 0 || sameValue(podCIDRs, before.podCIDRs)
  if (podCIDR === undefined && !isListOld) object.spec = { ...spec, podCIDR: podCIDRs[0], podCIDRs }
  else if (podCIDR === undefined) object.spec = spec
  else if (isListOld) object.spec = { ...spec, podCIDR, podCIDRs: [podCIDR] }
}

function rangeCauses({ podCIDR, podCIDRs = [] }: NodeSpec): StatusCause[] {
  if (podCIDR === undefined) return []
  const range = parseNodeRange(podCIDR)
  if ('why' in range) return [invalidValue('spec.podCIDR', podCIDR, range.why)]
  return sameValue(podCIDRs, [podCIDR])
    ? []
    : [invalidValue('spec.podCIDRs', podCIDRs, 'must name spec.podCIDR alone: a node has one range')]
}

/** Throws a Conflict while somebody has an address of the node. */
function assertUnused(name: string, range: string, view: ReadView): void {
  const holders: string[] = []
  for (const { key, facets } of view.scan(IPClaim.group, IPClaim.plural))
    if (facets.fields['spec.nodeName'] === name) holders.push(`${key.namespace}/${key.name}`)
  if (holders.length === 0) return
  const shown = holders.sort().slice(0, claimsNamed).join(', ')
  const rest = holders.length > claimsNamed ? ` and ${holders.length - claimsNamed} others` : ''
  throw conflict(keyOf(name), `spec.podCIDR ${range} cannot change while addresses of it are claimed, by IPClaims ${shown}${rest}`)
}

const keyOf = (name: string) => ({ group: Node.group, resource: Node.plural, namespace: '', name })

const specOf = (object: KubeObject) => (object.spec ?? {}) as NodeSpec
