/**
 * The rules by which workloads reach the outside, and nobody else's: each carries the bridge's name in its comment, and is found again by that. What docker
 * and others have is left as it is.
 */
import { CommandError, type RunCommand } from './run-command.js'

/** One rule: its table and chain, and where it is put. */
export interface Rule {
  readonly table: 'nat' | 'filter'
  readonly chain: 'POSTROUTING' | 'FORWARD'
  readonly words: readonly string[]
}

/** What leaves the range gets the machine's address; what a workload began may be answered, and those of one bridge reach each other. Pure. */
export function rulesOf(bridge: string, range: string): Rule[] {
  const mark = ['-m', 'comment', '--comment', commentOf(bridge)]
  return [
    { table: 'nat', chain: 'POSTROUTING', words: ['-s', range, '!', '-d', range, ...mark, '-j', 'MASQUERADE'] },
    { table: 'filter', chain: 'FORWARD', words: ['-i', bridge, ...mark, '-j', 'ACCEPT'] },
    {
      table: 'filter',
      chain: 'FORWARD',
      words: ['-o', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', ...mark, '-j', 'ACCEPT'],
    },
  ]
}

const commentOf = (bridge: string) => `millrace:${bridge}`

/** Others that change rules at the same time are waited for. */
const waiting = ['-w', '20'] as const

/** Puts the rules that are not there in front of the others; those of another range go. */
export async function ensureRules(run: RunCommand, bridge: string, range: string, signal: AbortSignal): Promise<void> {
  const rules = rulesOf(bridge, range)
  const isThere = await Promise.all(rules.map((rule) => hasRule(run, rule, signal)))
  if (isThere.every(Boolean)) return
  await removeRules(run, bridge, signal)
  for (const { table, chain, words } of rules) await run('iptables', [...waiting, '-t', table, '-I', chain, ...words], signal)
}

async function hasRule(run: RunCommand, { table, chain, words }: Rule, signal: AbortSignal): Promise<boolean> {
  try {
    await run('iptables', [...waiting, '-t', table, '-C', chain, ...words], signal)
    return true
  } catch (error) {
    if (error instanceof CommandError && error.code === 1) return false
    throw error
  }
}

/** Removes every rule with the bridge's comment. */
export async function removeRules(run: RunCommand, bridge: string, signal: AbortSignal): Promise<void> {
  for (const [table, chain] of [
    ['nat', 'POSTROUTING'],
    ['filter', 'FORWARD'],
  ] as const)
    for (const words of markedRules(await run('iptables', [...waiting, '-t', table, '-S', chain], signal), chain, bridge))
      await run('iptables', [...waiting, '-t', table, '-D', chain, ...words], signal)
}

/** The rules of `iptables -S CHAIN` that carry the bridge's comment. Nothing in them needs quotes. Pure. */
export function markedRules(listed: string, chain: string, bridge: string): string[][] {
  return listed
    .split('\n')
    .map((line) => line.split(' ').map((word) => word.replaceAll('"', '')))
    .filter(([add, of, ...words]) => add === '-A' && of === chain && words.includes(commentOf(bridge)))
    .map((words) => words.slice(2))
}
