/**
 * Keeps guests from the node that they run on. In user-mode networking QEMU makes a guest's connections as its own user, and so guests
 * would reach what listens on the node's loopback, at 10.0.2.2, as if they were programs of the node. The rules refuse connections that a
 * guest's user begins to any address of the node itself, and to those where clouds answer a machine about itself (firewall.ts); answers go.
 * Each rule carries the name of its guest in its comment, and is found again by that.
 */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { isInCloud, metadataRanges } from './firewall.js'
import { markedRules } from './marked-rules.js'
import { commandRunner, missingPrograms, type RunCommand } from './run-command.js'

export interface GuestFence {
  /** What is to be added to words about guests: where the fence cannot be raised, why, and that guests reach the node; else nothing. */
  hole(): Promise<string>
  /** Fences in the user of a guest, whose name is a plain word; nothing where that cannot be. Idempotent. */
  raise(guest: string, userId: number, signal: AbortSignal): Promise<void>
  /** Raises again the fences of those guests, as their users by name, that are no longer whole, as others took rules away. */
  ensure(guests: ReadonlyMap<string, number>, signal: AbortSignal): Promise<void>
  /** Removes what `raise` made, in this life of the agent or an earlier one. Idempotent. */
  lower(guest: string, signal: AbortSignal): Promise<void>
}

const chain = 'OUTPUT'
/** Others that change rules at the same time are waited for. */
const waiting = ['-w', '20'] as const
const probeMs = 30_000
const nobody = 65_534

/** The fence of this machine. What it can do is looked up at the first need, and again as long as something is in the way. */
export function openGuestFence(searchPath: string): GuestFence {
  const run = commandRunner(searchPath)
  let hindrance: Promise<string | undefined> | undefined
  /** Why fences could not be looked after the last time. */
  let lapse: string | undefined
  const hindered = async () => {
    hindrance ??= findHindrance(run, searchPath)
    const why = await hindrance
    if (why !== undefined) hindrance = undefined
    return why
  }
  return {
    async hole() {
      const why = await hindered()
      if (why !== undefined) return `; guests without an address of their own reach what listens on the node, as ${why}`
      return lapse === undefined ? '' : `; whether guests are still kept from what listens on the node is not known: ${lapse}`
    },
    async raise(guest, userId, signal) {
      if (await hindered()) return
      await this.lower(guest, signal)
      for (const words of fenceRules(guest, userId, await nodeNameservers()))
        await run('iptables', [...waiting, '-I', chain, ...words], signal)
    },
    async ensure(guests, signal) {
      if (guests.size === 0 || (await hindered())) return
      try {
        const listed = await run('iptables', [...waiting, '-S', chain], signal)
        const nameservers = await nodeNameservers()
        for (const [guest, userId] of guests)
          if (!isWhole(listed, guest, fenceRules(guest, userId, nameservers))) await this.raise(guest, userId, signal)
        lapse = undefined
      } catch (error) {
        lapse = (error as Error).message
        throw error
      }
    },
    async lower(guest, signal) {
      if (await hindered()) return
      const listed = await run('iptables', [...waiting, '-S', chain], signal)
      for (const words of markedRules(listed, chain, guest)) await run('iptables', [...waiting, '-D', chain, ...words], signal)
    },
  }
}

async function nodeNameservers(): Promise<string[]> {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
  return fencedNameservers(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''), addresses)
}

/** Whether all of these are in the list of `iptables -S`, which writes words in an order of its own: they are counted. */
function isWhole(listed: string, guest: string, rules: readonly string[][]): boolean {
  return markedRules(listed, chain, guest).length === rules.length
}

/**
 * In the order in which they are put in front of others, so that the last one is
 * asked first: a name server behind the fence may be asked. Pure.
 */
export function fenceRules(guest: string, userId: number, nameservers: readonly string[]): string[][] {
  const ofGuest = ['-m', 'owner', '--uid-owner', String(userId)]
  const mark = ['-m', 'comment', '--comment', `millrace:${guest}`]
  const begun = ['-m', 'conntrack', '--ctstate', 'NEW']
  return [
    ...[...metadataRanges.map((range) => ['-d', range]), ['-o', 'lo']].flatMap((where) => [
      [...where, ...ofGuest, ...begun, ...mark, '-j', 'REJECT'],
      // What it does not hear at once it would wait for.
      [...where, '-p', 'tcp', ...ofGuest, ...begun, ...mark, '-j', 'REJECT', '--reject-with', 'tcp-reset'],
    ]),
    ...nameservers.flatMap((server) =>
      ['udp', 'tcp'].map((protocol) => ['-d', server, '-p', protocol, '--dport', '53', ...ofGuest, ...mark, '-j', 'ACCEPT']),
    ),
  ]
}

/** The name servers in the text of resolv.conf that stand behind the fence: the node's own, and its cloud's. Pure. */
export function fencedNameservers(resolvConf: string, addresses: readonly string[]): string[] {
  const named = [...resolvConf.matchAll(/^\s*nameserver\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$/gm)].flatMap(([, server]) => server ?? [])
  return named.filter((server) => server.startsWith('127.') || addresses.includes(server) || isInCloud(server))
}

/** Why no fence can be raised here. */
async function findHindrance(run: RunCommand, searchPath: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'the agent is not root'
  if ((await missingPrograms(['iptables'], searchPath)).length > 0) return 'iptables is not installed'
  const probe = fenceRules('probe', nobody, [])[0] ?? []
  try {
    await run('iptables', [...waiting, '-C', chain, ...probe], AbortSignal.timeout(probeMs))
    return undefined
  } catch (error) {
    // 1: there is no such rule, and there could be.
    return (error as { code?: unknown }).code === 1
      ? undefined
      : `iptables knows no owners of connections here: ${(error as Error).message}`
  }
}
