import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInRange, parseAddress, parseRange } from '../../lib/api/address-range.js'
import { type FirewallChain, firewallOf, type NodePort } from './firewall.js'

const bridge = 'mrbr0123abcd'
const range = '172.30.0.0/16'

interface Packet {
  readonly in: string
  readonly out?: string
  readonly source: string
  readonly target: string
  readonly protocol?: 'tcp' | 'udp' | 'icmp'
  readonly port?: number
  readonly state?: 'NEW' | 'ESTABLISHED' | 'DNAT'
}

/** Walks the rules as the kernel does, as far as their words go. */
function isMatched(words: string, packet: Packet): boolean {
  const tokens = words.split(' ').filter(Boolean)
  let negated = false
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] ?? ''
    if (token === '!') {
      negated = true
      continue
    }
    if (token === '-j') return true
    const value = tokens[++index] ?? ''
    if (token === '-m') continue
    const holds = (text: string) =>
      isInRange(parseRange(value.includes('/') ? value : `${value}/32`) ?? { first: 0, prefixLength: 0, size: 0 }, parseAddress(text) ?? -1)
    const said: Record<string, () => boolean> = {
      '-i': () => packet.in === value,
      '-o': () => packet.out === value,
      '-s': () => holds(packet.source),
      '-d': () => holds(packet.target),
      '-p': () => packet.protocol === value,
      '--dport': () => String(packet.port) === value,
      '--icmp-type': () => value === 'echo-request',
      '--ctstate': () => value.split(',').includes(packet.state ?? 'NEW'),
    }
    const check = said[token]
    if (!check) throw new Error(`the test does not know ${token}`)
    if (check() === negated) return false
    negated = false
  }
  return true
}

const verdictOf = (rule: string) => /-j (\w+)/.exec(rule)?.[1] ?? ''

/** What becomes of a packet: the first DROP or REJECT on its way ends it. */
function fateOf(chains: readonly FirewallChain[], packet: Packet): 'passes' | 'dropped' | 'refused' {
  const way = packet.out === undefined ? ['raw PREROUTING', 'filter INPUT'] : ['raw PREROUTING', 'mangle FORWARD', 'filter FORWARD']
  for (const place of way)
    for (const { table, jump, rules } of chains) {
      if (`${table} ${jump?.hook}` !== place || !isMatched(jump?.of ?? '', packet)) continue
      const verdict = verdictOf(rules.find((rule) => isMatched(rule, packet)) ?? '')
      if (verdict === 'DROP') return 'dropped'
      if (verdict === 'REJECT') return 'refused'
    }
  return 'passes'
}

const open: NodePort[] = [
  { port: 5432, protocol: 'tcp' },
  { port: 53, protocol: 'udp' },
]
const chains = firewallOf({ bridge, range, nameservers: ['192.168.1.1', '169.254.169.254'], open })
const own = '172.30.0.5'
const node = '172.30.0.1'

describe('a packet', () => {
  it.each<[string, Packet, string]>([
    ['of a workload to the outside', { in: bridge, out: 'eth0', source: own, target: '192.0.2.7' }, 'passes'],
    ['of a workload to its neighbour', { in: bridge, out: bridge, source: own, target: '172.30.0.9' }, 'passes'],
    ['of a workload with a source of elsewhere', { in: bridge, out: 'eth0', source: '10.0.0.1', target: '192.0.2.7' }, 'dropped'],
    ['from elsewhere with a source of the range', { in: 'eth0', source: own, target: '192.0.2.2' }, 'dropped'],
    ['of the node to itself, by the address of the bridge', { in: 'lo', source: node, target: node }, 'passes'],
    [
      'to the metadata of a cloud',
      { in: bridge, out: 'eth0', source: own, target: '169.254.169.254', protocol: 'tcp', port: 80 },
      'dropped',
    ],
    ['to the name server there', { in: bridge, out: 'eth0', source: own, target: '169.254.169.254', protocol: 'udp', port: 53 }, 'passes'],
    ['of the node itself to metadata', { in: 'eth0', source: '169.254.169.254', target: '192.0.2.2', state: 'ESTABLISHED' }, 'passes'],
    ['from outside into the range', { in: 'eth0', out: bridge, source: '192.0.2.1', target: own, protocol: 'tcp', port: 22 }, 'dropped'],
    ['from outside to a published port', { in: 'eth0', out: bridge, source: '192.0.2.1', target: own, state: 'DNAT' }, 'passes'],
    ['of an answer from outside', { in: 'eth0', out: bridge, source: '192.0.2.1', target: own, state: 'ESTABLISHED' }, 'passes'],
    ['to a service of the node', { in: bridge, source: own, target: node, protocol: 'tcp', port: 22 }, 'refused'],
    ['to it by another of its addresses', { in: bridge, source: own, target: '192.168.1.9', protocol: 'udp', port: 123 }, 'refused'],
    ['to a port of the node that is open', { in: bridge, source: own, target: node, protocol: 'tcp', port: 5432 }, 'passes'],
    ['to that port of the other protocol', { in: bridge, source: own, target: node, protocol: 'udp', port: 5432 }, 'refused'],
    ['to the name server that the node is', { in: bridge, source: own, target: '192.168.1.1', protocol: 'tcp', port: 53 }, 'passes'],
    ['that asks whether the node is there', { in: bridge, source: own, target: node, protocol: 'icmp' }, 'passes'],
    ['that answers the node', { in: bridge, source: own, target: node, protocol: 'tcp', port: 40_000, state: 'ESTABLISHED' }, 'passes'],
    ['of others to the node', { in: 'docker0', source: '172.17.0.2', target: node, protocol: 'tcp', port: 22 }, 'passes'],
    ['of others through the node', { in: 'docker0', out: 'eth0', source: '172.17.0.2', target: '169.254.169.254' }, 'passes'],
  ])('%s: %j %s', (_name, packet, fate) => {
    expect(fateOf(chains, packet)).toBe(fate)
  })

  it('of the bridge never passes with an address that is none of the range, and a new one comes in by no other way than published', () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((bits) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.'))
    const inside = fc.integer({ min: 0, max: 65_535 }).map((bits) => `172.30.${bits >> 8}.${bits & 255}`)
    const interfaces = fc.constantFrom(bridge, 'eth0', 'docker0')
    const packets = fc.record({
      in: interfaces,
      out: fc.option(interfaces, { nil: undefined }),
      source: fc.oneof(address, inside),
      target: fc.oneof(address, inside),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const),
      port: fc.integer({ min: 1, max: 65_535 }),
      state: fc.constantFrom('NEW' as const, 'ESTABLISHED' as const, 'DNAT' as const),
    })
    fc.assert(
      fc.property(packets, ({ out, ...rest }) => {
        const packet = { ...rest, ...(out === undefined ? {} : { out }) }
        const fate = fateOf(chains, packet)
        if ((packet.in === bridge) !== packet.source.startsWith('172.30.')) expect(fate).toBe('dropped')
        else if (packet.in !== bridge && out === bridge) expect(fate).toBe(packet.state === 'NEW' ? 'dropped' : 'passes')
        else if (packet.in !== bridge) expect(fate).toBe('passes')
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})

it('the name of a chain says what its rules are, in as many characters as the kernel takes', () => {
  const others = firewallOf({ bridge, range, nameservers: [], open })
  const named = (all: readonly FirewallChain[]) => Object.fromEntries(all.map(({ table, jump, name }) => [`${table} ${jump?.hook}`, name]))
  expect(named(others)['raw PREROUTING']).toBe(named(chains)['raw PREROUTING'])
  expect(named(others)['filter INPUT']).not.toBe(named(chains)['filter INPUT'])
  expect(new Set(chains.map(({ name }) => name)).size).toBe(chains.length)
  for (const { name } of chains) expect(name.length).toBeLessThanOrEqual(28)
})
