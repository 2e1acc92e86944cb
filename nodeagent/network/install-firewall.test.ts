import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FirewallChain, firewallOf } from './firewall.js'
import { InstalledFirewall, removeFirewall } from './install-firewall.js'
import { canNameBridge, portPinsOf } from './port-pins.js'
import { commandRunner, type RunCommand } from './run-command.js'

/** iptables-save and iptables-restore --noflush over rules of others. */
function fakeTables() {
  const chains = new Map([
    ['filter INPUT', []],
    ['filter FORWARD', ['-o docker0 -j ACCEPT', '-i mrbr1 -m comment --comment "millrace:mrbr1" -j ACCEPT']],
    ['nat POSTROUTING', ['-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE']],
  ] as [string, string[]][])
  let restores = 0
  const rulesOf = (chain: string) => chains.get(chain) ?? chains.set(chain, []).get(chain) ?? []
  const restore = (script: string) => {
    let table = ''
    for (const line of script.trim().split('\n')) {
      const [verb = '', name = '', ...words] = line.split(' ').filter(Boolean)
      const chain = `${table} ${name}`
      if (line.startsWith('*')) table = line.slice(1)
      else if (line.startsWith(':')) chains.set(`${table} ${verb.slice(1)}`, [])
      else if (verb === '-A') rulesOf(chain).push(words.join(' '))
      else if (verb === '-I') rulesOf(chain).unshift(words.slice(1).join(' '))
      else if (verb === '-F') chains.set(chain, [])
      else if (verb === '-X') chains.delete(chain)
      else if (verb === '-D') {
        const at = rulesOf(chain).indexOf(words.join(' '))
        if (at < 0) throw new Error(`no such rule: ${line}`)
        rulesOf(chain).splice(at, 1)
      } else if (line !== 'COMMIT') throw new Error(line)
    }
  }
  const save = () =>
    ['raw', 'mangle', 'filter', 'nat']
      .flatMap((table) => {
        const of = [...chains]
          .filter(([chain]) => chain.startsWith(`${table} `))
          .map(([chain, rules]) => [chain.split(' ')[1], rules] as const)
        const rules = of.flatMap(([chain, each]) => each.map((rule) => `-A ${chain} ${rule}`))
        return of.length === 0 ? [] : [`*${table}`, ...of.map(([chain]) => `:${chain} - [0:0]`), ...rules, 'COMMIT']
      })
      .join('\n')
  const run: RunCommand = async (program, _args, _signal, input = '') => {
    if (program === 'iptables-save') return save()
    restores++
    restore(input)
    return ''
  }
  return { chains, save, run, restores: () => restores }
}
const { signal } = new AbortController()
const of = (bridge: string, range: string): FirewallChain[] => firewallOf({ bridge, range, nameservers: [], open: [] })

it('the chains are put once, put anew for another range or when some of them was taken away, and removed without what others have', async () => {
  const { chains, save, run, restores } = fakeTables()
  const put = (bridge: string, range: string) => new InstalledFirewall(run, 'packets', bridge).ensure(of(bridge, range), true, signal)
  await put('mrbr1', '172.30.0.0/16')
  // What an earlier build has put goes too.
  expect(save()).not.toContain('-i mrbr1 -m comment --comment "millrace:mrbr1" -j ACCEPT')
  expect(chains.get('filter FORWARD')).toEqual([expect.stringMatching(/^-j mrbr1-forw-/), '-o docker0 -j ACCEPT'])
  await put('mrbr1', '172.30.0.0/16')
  expect(restores()).toBe(1)
  const whole = save()
  chains.set('filter INPUT', [])
  await put('mrbr1', '172.30.0.0/16')
  expect(save()).toBe(whole)
  const [emptied = ''] = [...chains.keys()].filter((chain) => chain.startsWith('mangle mrbr1-'))
  chains.set(emptied, [])
  await put('mrbr1', '172.30.0.0/16')
  expect(save()).toBe(whole)
  await put('mrbr12', '10.0.0.0/24')
  await put('mrbr1', '172.31.0.0/16')
  expect(save()).not.toContain('172.30.0.0')
  await removeFirewall(run, 'packets', 'mrbr1', signal)
  expect(save()).not.toMatch(/mrbr1\b/)
  expect([...chains.keys()].filter((chain) => chain.includes('mrbr12-'))).toHaveLength(5)
  await removeFirewall(run, 'packets', 'mrbr12', signal)
  expect(save()).not.toContain('mrbr')
  expect(chains.get('nat POSTROUTING')).toEqual(['-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'])
})

describe.skipIf(process.getuid?.() !== 0)('in a network of the test', () => {
  const netns = `mrt-${process.pid}-${randomUUID().slice(0, 4)}`
  const [bridge, other] = ['mrbr0123abcd', 'mrbr0123abce']
  const machine = commandRunner(process.env.PATH ?? '')
  const ran: string[] = []
  const run: RunCommand = (program, args, until, input) => {
    ran.push(program)
    return machine('nsenter', [`--net=/run/netns/${netns}`, program, ...args], until, input)
  }
  const first = async (table: string, hook: string) => (await run('iptables', ['-t', table, '-S', hook], signal)).split('\n')[1]
  const chains = of(bridge, '172.30.0.0/16')
  const pinned = (...indices: number[]) =>
    portPinsOf(
      bridge,
      { address: '172.30.0.1', mac: '02:42:00:00:00:01' },
      indices.map((index) => ({ interface: `veth${index}`, address: `172.30.0.${index}`, mac: `52:54:00:00:00:0${index}`, published: [] })),
      false,
    )
  beforeAll(() => machine('ip', ['netns', 'add', netns], signal))
  afterAll(() => machine('ip', ['netns', 'delete', netns], signal))

  it("rules of others that would accept before the bridge's are asked stand behind them again, and are told; those that accept nothing stay", async () => {
    const packets = new InstalledFirewall(run, 'packets', bridge)
    expect(await packets.ensure(chains, true, signal)).toEqual([])
    await new InstalledFirewall(run, 'packets', other).ensure(of(other, '10.66.0.0/16'), true, signal)
    await run('iptables', ['-t', 'mangle', '-I', 'FORWARD', '-s', '192.0.2.9', '-j', 'DROP'], signal)
    const before = await run('iptables-save', [], signal)
    expect(await packets.ensure(chains, true, signal)).toEqual([])
    expect((await run('iptables-save', [], signal)).replace(/^#.*$/gm, '')).toBe(before.replace(/^#.*$/gm, ''))
    const inFront: [table: string, hook: string, rules: string[]][] = [
      ['raw', 'PREROUTING', ['-I PREROUTING -s 192.0.2.0/24 -j ACCEPT']],
      ['mangle', 'FORWARD', ['-I FORWARD -j RETURN']],
      ['filter', 'INPUT', ['-N theirs', '-A theirs -p udp -j ACCEPT', '-I INPUT -j theirs']],
    ]
    for (const [table, hook, rules] of inFront) {
      for (const rule of rules) await run('iptables', ['-t', table, ...rule.split(' ')], signal)
      const told = rules.at(-1)?.replace('-I', `${table}: -A`)
      expect(await packets.ensure(chains, true, signal)).toEqual([told])
      expect(await first(table, hook)).toContain(` -j ${bridge}-`)
      expect(await packets.ensure(chains, true, signal)).toEqual([])
    }
    // An engine puts its own there all the time, and no packet is stopped by those of the bridge.
    await run('iptables', ['-I', 'FORWARD', '-i', 'docker0', '-j', 'ACCEPT'], signal)
    expect(await packets.ensure(chains, true, signal)).toEqual([])
    expect(await first('filter', 'FORWARD')).toContain('docker0')
  })

  it('a workload more is one program, none is none; what others took away is put with all of it', async () => {
    const frames = new InstalledFirewall(run, 'frames', bridge)
    const saved = async () => (await run('ebtables-save', [], signal)).split('\n').filter((line) => line.startsWith('-A'))
    const programs = async (chains: FirewallChain[], look = false) => {
      ran.length = 0
      await frames.ensure(chains, look, signal)
      return [...ran]
    }
    expect(await programs(pinned(2), true)).toEqual(['ebtables-save', 'ebtables-restore'])
    expect(await programs(pinned(2))).toEqual([])
    expect(await programs(pinned(2, 3))).toEqual(['ebtables-restore'])
    const both = await saved()
    expect(await programs(pinned(2, 3), true)).toEqual(['ebtables-save'])
    expect(await programs(pinned(3))).toEqual(['ebtables-restore'])
    await run('ebtables', ['-t', 'nat', '-F'], signal)
    await run('ebtables', ['-t', 'nat', '-X'], signal)
    expect(await programs(pinned(2, 3))).toEqual(['ebtables-restore', 'ebtables-save', 'ebtables-restore'])
    expect(new Set(await saved())).toEqual(new Set(both))
    await run('ebtables', ['-t', 'nat', '-I', 'PREROUTING', '-s', '52:54:00:00:00:09', '-j', 'ACCEPT'], signal)
    expect(await frames.ensure(pinned(2, 3), true, signal)).toEqual([expect.stringMatching(/^nat: -A PREROUTING .*-j ACCEPT$/)])
    await frames.ensure([], true, signal)
    expect(await saved()).toHaveLength(1)
  })

  it('whether rules can name a bridge is found out without a trace', async () => {
    const names = await canNameBridge(run, bridge, signal)
    expect(await run('ebtables-save', [], signal)).not.toContain(`${bridge}-probe`)
    const inHook = run('ebtables', ['-t', 'nat', '-A', 'PREROUTING', '--logical-in', bridge, '-j', 'CONTINUE'], signal)
    expect(
      await inHook.then(
        () => true,
        () => false,
      ),
    ).toBe(names)
  })
})
