import { expect, it } from 'vitest'
import { type FirewallChain, firewallOf } from './firewall.js'
import { ensureFirewall, removeFirewall } from './install-firewall.js'
import type { RunCommand } from './run-command.js'

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
  const put = (bridge: string, range: string) => ensureFirewall(run, 'packets', bridge, of(bridge, range), signal)
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
