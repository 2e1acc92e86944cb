/** What iptables-save and ebtables-save print, and what is to be done about it so that a bridge has its chains. Pure. */
import { type FirewallChain, isBridgeChain } from './firewall.js'

export interface SavedTable {
  readonly table: string
  readonly chains: readonly string[]
  /** As `-A CHAIN WORDS`. */
  readonly rules: readonly string[]
}

/** What becomes of one table. */
export interface TableChange {
  readonly table: string
  /** Made anew, with their rules and jumps. */
  readonly put: readonly FirewallChain[]
  /** Rules that go, as `-A CHAIN WORDS`. */
  readonly unhook: readonly string[]
  /** Names of chains that go. */
  readonly remove: readonly string[]
}

export function parseSaved(text: string): SavedTable[] {
  const found: { table: string; chains: string[]; rules: string[] }[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) found.push({ table: line.slice(1).trim(), chains: [], rules: [] })
    if (line.startsWith(':')) found.at(-1)?.chains.push(line.slice(1).split(' ')[0] ?? '')
    if (line.startsWith('-A ')) found.at(-1)?.rules.push(line.trim())
  }
  return found
}

const chainOf = (rule: string) => rule.split(' ')[1] ?? ''
const isOwn = (bridge: string) => (chain: string) => chain.startsWith(`${bridge}-`)
/**
 * A rule in a chain of others that leads into one of the bridge's, or carries its
 * mark, as those of earlier builds. Nothing in them needs quotes.
 */
const isForeign = (bridge: string) => (rule: string) =>
  !isOwn(bridge)(chainOf(rule)) && (rule.includes(` -j ${bridge}-`) || rule.replaceAll('"', '').split(' ').includes(`millrace:${bridge}`))

/**
 * Each chain has as many rules as are meant, since their words are in its name, and one jump
 * that leads to it, which nobody's rules keep from being reached.
 */
export function isInOrder(saved: readonly SavedTable[], bridge: string, chains: readonly FirewallChain[]): boolean {
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
    ) &&
    rulesInFront(saved, chains).length === 0
  )
}

/**
 * Rules of others in front of a jump to a chain that stops something, by which a packet could be accepted before it gets there, as
 * `TABLE: -A HOOK WORDS`. What only stops packets, counts or marks them may stay where it is, and so may the jumps of other bridges.
 */
export function rulesInFront(saved: readonly SavedTable[], chains: readonly FirewallChain[]): string[] {
  return chains.flatMap(({ table, jump, name, rules }) => {
    const present = saved.find((each) => each.table === table)
    if (!jump || !present || !rules.some((rule) => /(^| )-j (DROP|REJECT)\b/.test(rule))) return []
    const inHook = present.rules.filter((rule) => chainOf(rule) === jump.hook)
    const at = inHook.findIndex((rule) => rule.endsWith(` -j ${name}`))
    return inHook
      .slice(0, Math.max(at, 0))
      .filter((rule) => mayAccept(rule, present, true))
      .map((rule) => `${table}: ${rule}`)
  })
}

/** Targets after which no further rule is asked; those of ebtables, in small letters, by their default. */
const accepting: ReadonlySet<string> = new Set(['ACCEPT', 'QUEUE', 'NFQUEUE', 'dnat', 'snat', 'redirect', 'mark'])

function mayAccept(rule: string, within: SavedTable, isInHook: boolean, seen: ReadonlySet<string> = new Set()): boolean {
  const [, how, target = ''] = / -([jg]) (\S+)/.exec(rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')) ?? []
  if (how === 'g' || accepting.has(target) || (isInHook && target === 'RETURN')) return true
  if (!within.chains.includes(target) || isBridgeChain(target) || seen.has(target)) return false
  return within.rules.some((inner) => chainOf(inner) === target && mayAccept(inner, within, false, new Set([...seen, target])))
}

const tables = ['raw', 'mangle', 'filter', 'nat'] as const

/** What leaves the bridge with these chains alone, all of them made anew. */
export function changesFrom(saved: readonly SavedTable[], bridge: string, chains: readonly FirewallChain[]): TableChange[] {
  return tables.map((table) => {
    const put = chains.filter((chain) => chain.table === table)
    const present = saved.find((each) => each.table === table)
    const remove = (present?.chains ?? []).filter(isOwn(bridge)).filter((name) => !put.some((chain) => chain.name === name))
    return { table, put, unhook: (present?.rules ?? []).filter(isForeign(bridge)), remove }
  })
}

/** What makes these chains of those, which are in the kernel as they were put. */
export function changesBetween(known: readonly FirewallChain[], chains: readonly FirewallChain[]): TableChange[] {
  const without = (one: readonly FirewallChain[], other: readonly FirewallChain[]) => {
    const names = new Set(other.map(({ name }) => name))
    return one.filter(({ name }) => !names.has(name))
  }
  const gone = without(known, chains)
  const fresh = without(chains, known)
  return tables.map((table) => {
    const of = gone.filter((chain) => chain.table === table)
    const unhook = of.flatMap(({ jump, name }) => (jump ? [`-A ${jump.hook} ${jump.of} -j ${name}`] : []))
    return { table, put: fresh.filter((chain) => chain.table === table), unhook, remove: of.map(({ name }) => name) }
  })
}

/** What a restore that flushes nothing takes; empty when there is nothing to do. */
export function restoreScript(changes: readonly TableChange[], policy: string): string {
  const lines = changes.flatMap(({ table, put, unhook, remove }) => {
    if (put.length + unhook.length + remove.length === 0) return []
    return [
      `*${table}`,
      // Of a chain that is there already, this line takes the rules.
      ...put.map(({ name }) => `:${name} ${policy}`),
      ...put.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
      ...unhook.map((rule) => rule.replace(/^-A/, '-D')),
      ...put.flatMap(({ jump, name }) => (jump ? [`-I ${jump.hook} 1 ${jump.of} -j ${name}`] : [])),
      // One may lead to another.
      ...remove.map((name) => `-F ${name}`),
      ...remove.map((name) => `-X ${name}`),
      'COMMIT',
    ]
  })
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
