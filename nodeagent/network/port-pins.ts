/**
 * What may come in at the ports of a bridge, as rules of ebtables: of each workload what carries its own address and card alone. So none can speak as another,
 * draw another's traffic to itself, or be the gateway. Pure: install-firewall.ts brings it into the kernel.
 */

import type { BridgePort } from './bridge-port.js'
import { type FirewallChain, namedChain } from './firewall.js'

/**
 * A container is on its port a moment before the agent knows which port that is. Until then it may speak, but with no address or card that is another's or
 * the gateway's.
 */
export function portPinsOf(bridge: string, gateway: Speaker, ports: readonly BridgePort[]): FirewallChain[] {
  const sorted = [...ports].sort((one, other) => (one.interface < other.interface ? -1 : 1))
  const pins = sorted.map((port) => ({ port, chain: namedChain(bridge, { table: 'nat', rules: ownRules(port) }) }))
  const rules = [
    ...pins.map(({ port, chain }) => `-i ${port.interface} -j ${chain.name}`),
    ...[...sorted, gateway].flatMap(({ address, mac }) => [
      `-s ${mac} -j DROP`,
      `-p ARP --arp-ip-src ${address} -j DROP`,
      `-p IPv4 --ip-src ${address} -j DROP`,
    ]),
  ]
  return [...pins.map(({ chain }) => chain), namedChain(bridge, { table: 'nat', jump: { hook: 'PREROUTING', of: '' }, rules })]
}

function ownRules({ address, mac, interface: name }: BridgePort): string[] {
  const arp = `-p ARP -s ${mac} --arp-mac-src ${mac}`
  return [
    `-p IPv4 -s ${mac} --ip-src ${address} -j ACCEPT`,
    `${arp} --arp-ip-src ${address} -j ACCEPT`,
    // As one asks whether an address is free.
    `${arp} --arp-ip-src 0.0.0.0 -j ACCEPT`,
    `-i ${name} -j DROP`,
  ]
}

type Speaker = Pick<BridgePort, 'address' | 'mac'>
