/**
 * Brings chains of the agent's own into the kernel, in front of others' rules, in one go for each table. They are found again by the bridge
 * in their names; what others have is left as it is.
 */
import type { FirewallChain } from './firewall.js'
import { CommandError, type RunCommand } from './run-command.js'
import { changesBetween, changesFrom, isInOrder, parseSaved, restoreScript, rulesInFront, type TableChange } from './saved-tables.js'

/** The programs by which rules are read and put. */
const installers = {
  /** What is routed, and what the node takes. */
  packets: { save: 'iptables-save', restore: 'iptables-restore', args: ['--noflush', '--wait=20'], policy: '- [0:0]' },
  /** What comes in at the ports of bridges. */
  frames: { save: 'ebtables-save', restore: 'ebtables-restore', args: ['--noflush'], policy: 'RETURN' },
} as const

export class InstalledFirewall {
  /** What this agent has put last, or seen to be whole. */
  private known: readonly FirewallChain[] | undefined

  constructor(
    private readonly run: RunCommand,
    private readonly of: keyof typeof installers,
    private readonly bridge: string,
  ) {}

  /**
   * Makes sure that the chains are there as they are meant, and no other of the bridge; what is in order is left alone. `look`: at what is
   * in the kernel, as others may have changed it; else what differs from the last time is put, and no program runs for what does not.
   * Resolves with the rules of others that kept packets from the chains, and do no more.
   */
  async ensure(chains: readonly FirewallChain[], look: boolean, signal: AbortSignal): Promise<readonly string[]> {
    const { known } = this
    this.known = undefined
    const isChanged = known !== undefined && !look && (await this.change(known, chains, signal))
    const inFront = isChanged ? [] : await this.repair(chains, signal)
    this.known = chains
    return inFront
  }

  private async repair(chains: readonly FirewallChain[], signal: AbortSignal): Promise<readonly string[]> {
    const saved = parseSaved(await this.run(installers[this.of].save, [], signal))
    if (!isInOrder(saved, this.bridge, chains)) await this.put(changesFrom(saved, this.bridge, chains), signal)
    return rulesInFront(saved, chains)
  }

  /** Whether what is new could be put: not where others have taken away what it replaces. */
  private async change(known: readonly FirewallChain[], chains: readonly FirewallChain[], signal: AbortSignal): Promise<boolean> {
    try {
      await this.put(changesBetween(known, chains), signal)
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof CommandError) return false
      throw error
    }
  }

  private async put(changes: readonly TableChange[], signal: AbortSignal): Promise<void> {
    const { restore, args, policy } = installers[this.of]
    const script = restoreScript(changes, policy)
    if (script !== '') await this.run(restore, args, signal, script)
  }
}

/** Removes all that is the bridge's. */
export async function removeFirewall(run: RunCommand, of: keyof typeof installers, bridge: string, signal: AbortSignal): Promise<void> {
  await new InstalledFirewall(run, of, bridge).ensure([], true, signal)
}
