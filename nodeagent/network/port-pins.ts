/**
 * What may come in at the ports of a bridge, as rules of ebtables: of each workload what carries its own
 * address and card alone. So none can speak as another, draw another's traffic to itself, or be the gateway.
 * What they are is pure: install-firewall.ts brings it into the kernel.
 */
import type { BridgePort } from './bridge-port.js'
import { type FirewallChain, namedChain } from './firewall.js'
import { CommandError, type RunCommand } from './run-command.js'

/**
 * A container is on its port a moment before the agent knows which port that is. Until then it may speak, but with no
 * address or card that is another's or the gateway's. `namesBridge`: see canNameBridge; where they cannot, the rules see the
 * frames of all bridges of the machine, and mind those of this one.
 */
export function portPinsOf(bridge: string, gateway: Speaker, ports: readonly BridgePort[], namesBridge: boolean): FirewallChain[] {
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
  return [
    ...pins.map(({ chain }) => chain),
    namedChain(bridge, { table: 'nat', jump: { hook: 'PREROUTING', of: namesBridge ? `--logical-in ${bridge}` : '' }, rules }),
  ]
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

/** Whether rules can say which bridge a frame is on. Not every kernel has that. */
export async function canNameBridge(run: RunCommand, bridge: string, signal: AbortSignal): Promise<boolean> {
  const chain = `${bridge}-probe`
  const lines = ['*nat', `:${chain} RETURN`, `-A ${chain} --logical-in ${bridge} -j RETURN`, `-F ${chain}`, `-X ${chain}`, 'COMMIT']
  try {
    await run('ebtables-restore', ['--noflush'], signal, `${lines.join('\n')}\n`)
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof CommandError) return false
    throw error
  }
}

type Speaker = Pick<BridgePort, 'address' | 'mac'>
