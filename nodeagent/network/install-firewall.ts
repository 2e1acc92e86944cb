/**
 * Brings chains of the agent's own into the kernel, in front of others' rules, in one go for each table. They are found again by the bridge in their names;
 * what others have is left as it is.
 */
import type { FirewallChain } from './firewall.js'
import type { RunCommand } from './run-command.js'

/** The programs by which rules are read and put. */
const installers = {
  /** What is routed, and what the node takes. */
  packets: { save: 'iptables-save', restore: 'iptables-restore', args: ['--noflush', '--wait=20'], policy: '- [0:0]' },
  /** What comes in at the ports of bridges. */
  frames: { save: 'ebtables-save', restore: 'ebtables-restore', args: ['--noflush'], policy: 'RETURN' },
} as const

/** Makes sure that the chains are there as they are meant, and no other of the bridge. What is in order is left alone. */
export async function ensureFirewall(
  run: RunCommand,
  of: keyof typeof installers,
  bridge: string,
  chains: readonly FirewallChain[],
  signal: AbortSignal,
): Promise<void> {
  const { save, restore, args, policy } = installers[of]
  const saved = parseSaved(await run(save, [], signal))
  if (isInOrder(saved, bridge, chains)) return
  await run(restore, args, signal, restoreScript(saved, bridge, chains, policy))
}

/** Removes all that is the bridge's. */
export async function removeFirewall(run: RunCommand, of: keyof typeof installers, bridge: string, signal: AbortSignal): Promise<void> {
  await ensureFirewall(run, of, bridge, [], signal)
}

interface SavedTable {
  readonly table: string
  readonly chains: readonly string[]
  /** As `-A CHAIN WORDS`. */
  readonly rules: readonly string[]
}

function parseSaved(text: string): SavedTable[] {
  const tables: { table: string; chains: string[]; rules: string[] }[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) tables.push({ table: line.slice(1).trim(), chains: [], rules: [] })
    if (line.startsWith(':')) tables.at(-1)?.chains.push(line.slice(1).split(' ')[0] ?? '')
    if (line.startsWith('-A ')) tables.at(-1)?.rules.push(line.trim())
  }
  return tables
}

const chainOf = (rule: string) => rule.split(' ')[1] ?? ''
const isOwn = (bridge: string) => (chain: string) => chain.startsWith(`${bridge}-`)
/** A rule in a chain of others that leads into one of the bridge's, or carries its mark, as those of earlier builds. Nothing in them needs quotes. */
const isForeign = (bridge: string) => (rule: string) =>
  !isOwn(bridge)(chainOf(rule)) && (rule.includes(` -j ${bridge}-`) || rule.replaceAll('"', '').split(' ').includes(`millrace:${bridge}`))

/** Each chain has as many rules as are meant, since their words are in its name, and one jump that leads to it. */
function isInOrder(saved: readonly SavedTable[], bridge: string, chains: readonly FirewallChain[]): boolean {
  const jumps = saved.flatMap(({ table, rules }) => rules.filter(isForeign(bridge)).map((rule) => `${table} ${rule}`))
  const counts = new Map(saved.flatMap((each) => each.chains.filter(isOwn(bridge)).map((name) => [`${each.table} ${name}`, 0])))
  for (const { table, rules } of saved)
    for (const rule of rules) {
      const key = `${table} ${chainOf(rule)}`
      const count = counts.get(key)
      if (count !== undefined) counts.set(key, count + 1)
    }
  return (
    counts.size === chains.length &&
    jumps.length === chains.filter(({ jump }) => jump).length &&
    chains.every(
      ({ table, jump, name, rules }) =>
        counts.get(`${table} ${name}`) === rules.length &&
        (!jump || jumps.some((rule) => rule.startsWith(`${table} -A ${jump.hook} `) && rule.endsWith(` -j ${name}`))),
    )
  )
}

const tables = ['raw', 'mangle', 'filter', 'nat'] as const

/** What a restore that flushes nothing takes, and that leaves the bridge with these chains alone. */
function restoreScript(saved: readonly SavedTable[], bridge: string, chains: readonly FirewallChain[], policy: string): string {
  const lines = tables.flatMap((table) => {
    const wanted = chains.filter((chain) => chain.table === table)
    const names = new Set(wanted.map(({ name }) => name))
    const present = saved.find((each) => each.table === table)
    const before = (present?.chains ?? []).filter(isOwn(bridge)).filter((name) => !names.has(name))
    const foreign = (present?.rules ?? []).filter(isForeign(bridge))
    if (wanted.length + before.length + foreign.length === 0) return []
    return [
      `*${table}`,
      // Of a chain that is there already, this line takes the rules.
      ...wanted.map(({ name }) => `:${name} ${policy}`),
      ...wanted.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
      ...foreign.map((rule) => rule.replace(/^-A/, '-D')),
      ...wanted.flatMap(({ jump, name }) => (jump ? [`-I ${jump.hook} 1 ${jump.of} -j ${name}`] : [])),
      // One may lead to another.
      ...before.map((name) => `-F ${name}`),
      ...before.map((name) => `-X ${name}`),
      'COMMIT',
    ]
  })
  return `${lines.join('\n')}\n`
}
