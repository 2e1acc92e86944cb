import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BridgePort } from './bridge-port.js'
import { portPinsOf } from './port-pins.js'

interface Frame {
  readonly port: string
  readonly mac: string
  readonly type: 'IPv4' | 'ARP' | 'IPv6'
  /** The source in the packet, or the sender in the question. */
  readonly source: string
  /** The sender's card in the question. */
  readonly arpMac: string
}

const bridge = 'mrbr0123abcd'
const gateway = { address: '10.0.0.1', mac: '02:42:00:00:00:01' }
const at = (index: number): BridgePort => ({
  interface: `veth${index}`,
  address: `10.0.0.${index + 2}`,
  mac: `52:54:00:00:00:0${index}`,
  published: [],
})

/** Walks the chains as the kernel does, as far as their words go. */
function passes(ports: readonly BridgePort[], frame: Frame): boolean {
  const chains = portPinsOf(bridge, gateway, ports, true)
  const rulesOf = new Map(chains.map(({ name, rules }) => [name, rules]))
  const walk = (rules: readonly string[]): boolean | undefined => {
    for (const rule of rules) {
      const words = rule.split(' ')
      const verdict = words.at(-1) ?? ''
      const said: Record<string, string> = {
        '-i': frame.port,
        '-s': frame.mac,
        '-p': frame.type,
        '--ip-src': frame.source,
        '--arp-ip-src': frame.source,
        '--arp-mac-src': frame.arpMac,
      }
      let isMatched = true
      for (let index = 0; words[index] !== '-j'; index += 2) isMatched &&= said[words[index] ?? ''] === words[index + 1]
      if (!isMatched) continue
      if (verdict === 'ACCEPT' || verdict === 'DROP') return verdict === 'ACCEPT'
      const inner = walk(rulesOf.get(verdict) ?? [])
      if (inner !== undefined) return inner
    }
    return undefined
  }
  return walk(chains.find(({ jump }) => jump)?.rules ?? []) ?? true
}

const ports = [at(0), at(1), at(2)]
const own = (index: number, more: Partial<Frame> = {}): Frame => {
  const { interface: port, mac, address: source } = at(index)
  return { port, mac, type: 'IPv4', source, arpMac: mac, ...more }
}

it.each<[string, Frame, boolean]>([
  ['a workload speaks as itself', own(1), true],
  ['it says where it is', own(1, { type: 'ARP' }), true],
  ['it asks whether its address is free', own(1, { type: 'ARP', source: '0.0.0.0' }), true],
  ['it says that it is its neighbour', own(1, { type: 'ARP', source: at(2).address }), false],
  ['it says that it is the gateway', own(1, { type: 'ARP', source: gateway.address }), false],
  ["it says that its address is on another's card", own(1, { type: 'ARP', arpMac: at(2).mac }), false],
  ["it sends with its neighbour's address", own(1, { source: at(2).address }), false],
  ["it sends with its neighbour's card", own(1, { mac: at(2).mac }), false],
  ['it sends with both', own(1, { mac: at(2).mac, source: at(2).address }), false],
  ['it speaks IPv6', own(1, { type: 'IPv6', source: '' }), false],
  ['a new one speaks, before its port is known', own(5), true],
  ['the new one says that it is another', own(5, { type: 'ARP', source: at(2).address }), false],
  ['the new one sends as the gateway', own(5, { source: gateway.address }), false],
  ["the new one sends with the gateway's card", own(5, { mac: gateway.mac }), false],
  ['something of another bridge', own(5, { mac: '02:42:ac:11:00:02', source: '172.17.0.2' }), true],
])('%s: %j %s', (_name, frame, expected) => {
  expect(passes(ports, frame)).toBe(expected)
})

it('no frame passes with the address or the card of a workload but at its own port, whatever is on the bridge', () => {
  const index = fc.integer({ min: 0, max: 7 })
  const frames = fc.record({
    port: index,
    mac: index,
    source: index,
    arpMac: index,
    type: fc.constantFrom('IPv4' as const, 'ARP' as const),
  })
  fc.assert(
    fc.property(fc.uniqueArray(index), frames, (joined, { port, mac, source, arpMac, type }) => {
      const frame = { port: at(port).interface, mac: at(mac).mac, source: at(source).address, arpMac: at(arpMac).mac, type }
      if (!passes(joined.map(at), frame)) return
      for (const each of joined) if (each !== port) expect([mac, source]).not.toContain(each)
      if (joined.includes(port)) expect([mac, source, ...(type === 'ARP' ? [arpMac] : [])].every((each) => each === port)).toBe(true)
    }),
    { seed: 3, numRuns: 1_000 },
  )
})

it('the rules are the same in whatever order the ports are told', () => {
  expect(portPinsOf(bridge, gateway, [...ports].reverse(), true)).toEqual(portPinsOf(bridge, gateway, ports, true))
})
