import type { MachineAddress } from '../../machine-backend.js'

/** The file network-config of a seed (version 2): the card is known by its MAC. Without an address it asks by DHCP. */
export function networkConfigFile(mac: string, address: MachineAddress | undefined, nameservers: readonly string[]): string {
  const match = { match: { macaddress: mac }, 'set-name': 'eth0' }
  const card = address
    ? {
        ...match,
        addresses: [`${address.address}/${address.prefixLength}`],
        routes: [{ to: '0.0.0.0/0', via: address.gateway }],
        ...(nameservers.length > 0 ? { nameservers: { addresses: nameservers } } : {}),
      }
    : { ...match, dhcp4: true }
  return `${JSON.stringify({ version: 2, ethernets: { nic0: card } }, undefined, 1)}\n`
}

/** The name servers in the text of resolv.conf that a machine can reach too: none that listen on the node alone. */
export function reachableNameservers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) =>
    server === undefined || server.startsWith('127.') || server === '::1' || server.includes('%') ? [] : [server],
  )
}
