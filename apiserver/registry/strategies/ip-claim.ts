import { createHash } from 'node:crypto'
import { type AddressRange, isInRange, parseAddress, parseRange, printAddress, reservedFor } from '../../../lib/api/address-range.js'
import { conflict, forbiddenField, invalid, invalidValue, requiredValue, type StatusCause } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { IPClaim, type IPClaimSpec } from '../../../lib/api/kinds/ip-claim.js'
import { Node } from '../../../lib/api/kinds/node.js'
import type { ReadView } from '../../storage/store.js'
import { nodeRangeField } from './node.js'
import type { Strategy } from './strategy.js'

interface NodeRange {
  readonly nodeName: string
  readonly range: AddressRange
}

/**
 * An IPClaim gets its address in the turn in which it is written: the one that it names, or the next free one of its node's range. It looks
 * behind the address that was given last, so that one which was just given back comes last. Address and node stay for its life.
 */
export function ipClaimStrategy(): Strategy {
  /** By range: the address that was given last. A hint of this server: what is free, the view says. */
  const lastGiven = new Map<string, number>()

  function nextFree(object: KubeObject, { nodeName, range }: NodeRange, view: ReadView): number {
    const { first, prefixLength, size } = range
    const id = `${first}/${prefixLength}`
    // After a restart it is not known what was given last: each begins at a place of its own.
    const last = lastGiven.get(id) ?? first + (createHash('sha256').update(object.metadata.uid).digest().readUInt32BE() % size)
    for (let step = 1; step <= size; step++) {
      const address = first + ((last - first + step) % size)
      if (reservedFor(range, address) !== undefined || !isFree(view, printAddress(address))) continue
      lastGiven.set(id, address)
      return address
    }
    throw conflict(
      subjectOf(object),
      `all ${size - reservedPerRange} addresses of node "${nodeName}" are claimed; delete what needs them no longer (kubectl-lite get ipclaims -A)`,
    )
  }

  return {
    prepareUpdate(object, old) {
      // Whoever writes a manifest without them means those that it was given.
      const { address, nodeName } = specOf(old)
      object.spec = { ...(address === undefined ? {} : { address }), ...(nodeName === undefined ? {} : { nodeName }), ...specOf(object) }
    },

    settle(object, view) {
      if (view.get(keyOf(object)) !== undefined) return
      const spec = specOf(object)
      const node = spec.nodeName === undefined ? nodeAround(object, view) : nodeNamed(object, spec.nodeName, view)
      if (spec.address !== undefined) assertUsable(object, spec.address, node)
      const address = spec.address ?? printAddress(nextFree(object, node, view))
      object.spec = { ...spec, nodeName: node.nodeName, address }
    },

    claims(object) {
      const { address } = specOf(object)
      return address === undefined ? [] : [claimOf(address)]
    },

    validateUpdate(object, old) {
      const causes: StatusCause[] = []
      for (const field of ['address', 'nodeName'] as const)
        if (specOf(object)[field] !== specOf(old)[field])
          causes.push(forbiddenField(`spec.${field}`, 'stays as it was given: make another IPClaim'))
      return causes
    },
  }
}

/** The network's, the node's own, and the broadcast address. */
const reservedPerRange = 3

function nodeNamed(object: KubeObject, nodeName: string, view: ReadView): NodeRange {
  const node = view.get({ group: Node.group, resource: Node.plural, namespace: '', name: nodeName })
  if (!node) throw invalid(subjectOf(object), [invalidValue('spec.nodeName', nodeName, 'there is no such Node')])
  const range = parseRange(node.facets.fields[nodeRangeField] ?? '')
  if (!range) throw conflict(subjectOf(object), `node "${nodeName}" has no range of addresses yet (spec.podCIDR)`)
  return { nodeName, range }
}

/** The node whose range holds the address that the claim names. */
function nodeAround(object: KubeObject, view: ReadView): NodeRange {
  const { address: text } = specOf(object)
  const address = parseAddress(text ?? '')
  if (address === undefined)
    throw invalid(subjectOf(object), [requiredValue('spec.nodeName', 'or name the address: an address is of the range of one node')])
  for (const { key, facets } of view.scan(Node.group, Node.plural)) {
    const range = parseRange(facets.fields[nodeRangeField] ?? '')
    if (range && isInRange(range, address)) return { nodeName: key.name, range }
  }
  throw invalid(subjectOf(object), [invalidValue('spec.address', text, 'no node has it in its range (spec.podCIDR)')])
}

function assertUsable(object: KubeObject, text: string, { nodeName, range }: NodeRange): void {
  const address = parseAddress(text) ?? -1
  const why = isInRange(range, address) ? reservedFor(range, address) : `is not in the range of node "${nodeName}"`
  if (why !== undefined) throw invalid(subjectOf(object), [invalidValue('spec.address', text, why)])
}

function isFree(view: ReadView, address: string): boolean {
  for (const _holder of view.holdersOf(IPClaim.group, IPClaim.plural, claimOf(address))) return false
  return true
}

const claimOf = (address: string) => `address:${address}`

const keyOf = ({ metadata: { namespace = '', name } }: KubeObject) => ({ group: IPClaim.group, resource: IPClaim.plural, namespace, name })
const subjectOf = (object: KubeObject) => ({ ...keyOf(object), kind: IPClaim.kind })
const specOf = (object: KubeObject) => object.spec as IPClaimSpec
