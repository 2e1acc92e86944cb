/**
 * Gives each Node the range of addresses that its workloads get theirs from (spec.podCIDR). One rule: the server judges, in the
 * turn in which a range is written, whether another node has a part of it; so a stale look, a restart or a second
 * controller-manager does no harm, and a refusal means to look again.
 */
import { parseAddress, parseRange, printRange } from '../../lib/api/address-range.js'
import { findCondition } from '../../lib/api/condition.js'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import { Node } from '../../lib/api/kinds/node.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import { freeRange, type RangePool } from './range-pools.js'

/** Nodes that only pretend to run workloads need no addresses. */
const hollowLabel = 'millrace.dev/hollow'

/** Ranges come free without a word to those that wait. */
const retry = { requeueAfter: '30s' } as const

export const nodeRange = (pools: readonly RangePool[]): Controller =>
  controller({
    name: 'node-range',
    for: Node,
    // Two at once would choose the same range, and one of them again.
    workers: 1,
    when: ({ metadata, spec }) => spec.podCIDR === undefined && metadata.labels?.[hollowLabel] !== 'true',
    async reconcile(node, ctx) {
      const { name, resourceVersion } = node.metadata
      const taken = ctx.list(Node).flatMap(({ spec }) => parseRange(spec.podCIDR ?? '') ?? [])
      // A node that was deleted and has come back may still have workloads with addresses.
      const claims = await ctx.client.of(IPClaim).list({ fieldSelector: `spec.nodeName=${name}`, limit: 1, signal: ctx.signal })
      const range = freeRange(pools, taken, parseAddress(claims.items[0]?.spec.address ?? ''))
      if (range) {
        const spec = { podCIDR: printRange(range), podCIDRs: [printRange(range)] }
        await ctx.client.of(Node).mergePatch({ name }, { metadata: { resourceVersion }, spec }, { signal: ctx.signal })
        return undefined
      }
      const disabled = findCondition(node as Node, 'NetworkReady')?.reason === 'Disabled'
      if (!disabled)
        ctx.condition(
          'NetworkReady',
          false,
          'RangeExhausted',
          `no range of addresses is left for the node in ${pools.map((pool) => printRange(pool.range)).join(', ')}: delete Nodes that are gone, set spec.podCIDR by hand, or give the controller-manager a wider --cluster-cidr`,
        )
      return retry
    },
  })
