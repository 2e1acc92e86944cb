/**
 * What may pass a node's bridge, as rules of iptables: what a workload sends carries an address of the range; it reaches the outside and
 * its neighbours, and of the node itself what was opened; from outside comes only what it asked for, or what is published. Pure:
 * install-firewall.ts brings it into the kernel.
 *
 * What others' rules must not undo is dropped in tables in which nobody accepts (raw, mangle):
 * an engine puts its own in front of the filter's at each start.
 */
import { createHash } from 'node:crypto'
import { isInRange, parseAddress, parseRange } from '../../lib/api/address-range.js'

/** A port of the node itself. */
export interface NodePort {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

export interface FirewallOptions {
  readonly bridge: string
  /** As 172.30.0.0/16. */
  readonly range: string
  /** Name servers that workloads use: reached wherever they are, on the node or among the addresses of a cloud. */
  readonly nameservers: readonly string[]
  /** Ports of the node that workloads may reach. */
  readonly open: readonly NodePort[]
}

/** A chain of the agent's own, of iptables or ebtables. */
export interface FirewallChain {
  readonly table: 'raw' | 'mangle' | 'filter' | 'nat'
  /** Carries the bridge's name and a digest of the rules: a chain of this name has these. */
  readonly name: string
  /** What the hook sees, and `of` matches, goes through the chain. Absent: other chains lead to it. */
  readonly jump?: { readonly hook: 'PREROUTING' | 'FORWARD' | 'INPUT' | 'POSTROUTING'; readonly of: string }
  readonly rules: readonly string[]
}

/** Where clouds answer a machine about itself, often with its credentials: link-local ones, Azure's, Alibaba's. */
export const metadataRanges = ['169.254.0.0/16', '168.63.129.16/32', '100.100.100.200/32'] as const

export function firewallOf({ bridge, range, nameservers, open }: FirewallOptions): FirewallChain[] {
  const [from, to] = [`-i ${bridge}`, `-o ${bridge}`]
  const known = nameservers.filter((server) => parseAddress(server) !== undefined).sort()
  const inCloud = known.filter(isInCloud)
  const asking = (server: string) => ['udp', 'tcp'].map((protocol) => `-d ${server} -p ${protocol} --dport 53 -j RETURN`)
  const chains: Unnamed[] = [
    {
      table: 'raw',
      jump: { hook: 'PREROUTING', of: '' },
      rules: [`${from} -s ${range} -j RETURN`, `${from} -j DROP`, `! -i lo -s ${range} -j DROP`],
    },
    {
      table: 'mangle',
      jump: { hook: 'FORWARD', of: '' },
      rules: [
        ...inCloud.flatMap(asking).map((rule) => `${from} ${rule}`),
        ...metadataRanges.map((each) => `${from} -d ${each} -j DROP`),
        `! ${from} ${to} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
      ],
    },
    {
      table: 'filter',
      jump: { hook: 'INPUT', of: from },
      rules: [
        '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
        '-p icmp --icmp-type echo-request -j RETURN',
        ...known.flatMap(asking),
        ...new Set(open.map(({ port, protocol }) => `-p ${protocol} --dport ${port} -j RETURN`).sort()),
        '-p tcp -j REJECT --reject-with tcp-reset',
        '-j REJECT --reject-with icmp-port-unreachable',
      ],
    },
    {
      table: 'filter',
      jump: { hook: 'FORWARD', of: '' },
      rules: [`${from} -j ACCEPT`, `${to} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`],
    },
    { table: 'nat', jump: { hook: 'POSTROUTING', of: `-s ${range} ! -d ${range}` }, rules: ['-j MASQUERADE'] },
  ]
  return chains.map((chain) => namedChain(bridge, chain))
}

/** Whether an address is one of those. Pure. */
export const isInCloud = (address: string) =>
  metadataRanges.some((range) => isInRange(parseRange(range) ?? nowhere, parseAddress(address) ?? -1))
const nowhere = { first: 0, prefixLength: 32, size: 0 }

type Unnamed = Omit<FirewallChain, 'name'>

/** Whether a chain is a bridge's, of any agent. Pure. */
export const isBridgeChain = (name: string) => /^mrbr[0-9a-f]{8}-/.test(name)

/** Names of chains have 28 characters at most. */
export function namedChain(bridge: string, chain: Unnamed): FirewallChain {
  const { table, jump, rules } = chain
  const digest = createHash('sha256')
    .update(JSON.stringify([table, jump, rules]))
    .digest('hex')
  const kind = jump ? jump.hook.slice(0, 4).toLowerCase() : 'port'
  return { ...chain, name: `${bridge}-${kind}-${digest.slice(0, 8)}` }
}
