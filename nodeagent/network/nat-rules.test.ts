import { expect, it } from 'vitest'
import { ensureRules, markedRules, removeRules } from './nat-rules.js'
import { CommandError, type RunCommand } from './run-command.js'

/** Two chains that know -C, -I, -D and -S. */
function fakeTables(): { rules: string[]; changes: string[]; run: RunCommand } {
  const rules = ['nat POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE', 'filter FORWARD -o docker0 -j ACCEPT']
  const changes: string[] = []
  const run: RunCommand = async (_program, [, , , table, what, chain, ...words]) => {
    const rule = [table, chain, ...words].join(' ')
    if (what === '-S')
      return rules
        .filter((one) => one.startsWith(`${table} ${chain} `))
        .map((one) => `-A ${one.slice(table?.length ?? 0).trim()}`)
        .join('\n')
    if (what === '-C') {
      if (!rules.includes(rule)) throw new CommandError(1, 'no such rule')
      return ''
    }
    changes.push(`${what} ${rule}`)
    if (what === '-I') rules.unshift(rule)
    if (what === '-D') rules.splice(rules.indexOf(rule), 1)
    return ''
  }
  return { rules, changes, run }
}
const { signal } = new AbortController()

it('the rules are put once, put anew for another range, and removed without those of others', async () => {
  const { rules, changes, run } = fakeTables()
  const others = [...rules]
  await ensureRules(run, 'mrbr1', '172.30.0.0/16', signal)
  expect(rules.length).toBe(others.length + 3)
  expect(rules).toContain('nat POSTROUTING -s 172.30.0.0/16 ! -d 172.30.0.0/16 -m comment --comment millrace:mrbr1 -j MASQUERADE')
  const before = changes.length
  await ensureRules(run, 'mrbr1', '172.30.0.0/16', signal)
  expect(changes.length).toBe(before)
  await ensureRules(run, 'mrbr2', '10.0.0.0/24', signal)
  await ensureRules(run, 'mrbr1', '172.31.0.0/16', signal)
  expect(rules.filter((rule) => rule.includes('172.30.0.0'))).toEqual([])
  await removeRules(run, 'mrbr1', signal)
  expect(rules.filter((rule) => rule.includes('millrace:mrbr2'))).toHaveLength(3)
  await removeRules(run, 'mrbr2', signal)
  expect(rules).toEqual(others)
})

it('what iptables prints with quotes is found', () => {
  const listed =
    '-P FORWARD DROP\n-A FORWARD -i mrbr1 -m comment --comment "millrace:mrbr1" -j ACCEPT\n-A FORWARD -i mrbr12 -m comment --comment "millrace:mrbr12" -j ACCEPT'
  expect(markedRules(listed, 'FORWARD', 'mrbr1')).toEqual([['-i', 'mrbr1', '-m', 'comment', '--comment', 'millrace:mrbr1', '-j', 'ACCEPT']])
})
