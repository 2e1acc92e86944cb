/**
 * A node's network with a bridge; see node-network.ts. The bridge is made when the
 * first workload needs it, and looked for before each later one.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type AddressRange, gatewayOf, isInRange, parseAddress, printAddress, printRange } from '../../lib/api/address-range.js'
import { Node } from '../../lib/api/kinds/node.js'
import { sleep, systemClock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { MachineAddress } from '../backends/machine-backend.js'
import { StepError } from '../steps/step-error.js'
import { type ClaimContext, makeClaim, releaseClaims, takeClaim } from './address-claims.js'
import { ensureBridge, ensureTap, removeLink } from './bridge.js'
import { BridgeGuard, type BridgeGuardOptions } from './bridge-guard.js'
import type { BridgePortSource } from './bridge-port.js'
import { CommandProcess } from './command-process.js'
import { type Hindrance, hasInterface, hindranceOf, interfaceNames, rangeOf, readNetworkFacts } from './network-facts.js'
import { bridgeName, macOf, tapName, tapPort } from './network-names.js'
import type { AddressHolder, NetworkCondition, NodeNetwork } from './node-network.js'
import type { RunCommand } from './run-command.js'

export interface BridgeNetworkOptions extends ClaimContext, Pick<BridgeGuardOptions, 'openPorts'> {
  /** auto: a node that can have no bridge does without. bridge: its workloads wait until it can. */
  readonly asked: 'auto' | 'bridge'
  /** Names the agent for good. */
  readonly identity: string
  /** Its data directory, where it is noted that there is something to remove. */
  readonly directory: string
  /** Where programs are found. */
  readonly searchPath: string
  readonly log: Logger
}

/** A new node gets its range within a moment; so long the first workload waits for it, where it need not have one. */
const rangeWithinMs = 10_000
const rangeAgainMs = 250

export const bridgeMark = (directory: string) => path.join(directory, 'bridge')

export class BridgeNetwork implements NodeNetwork {
  readonly bridge: string
  private readonly run: RunCommand
  private readonly waitUntilMs = performance.now() + rangeWithinMs
  private range: AddressRange | undefined
  /** The range that the bridge was last brought into order for. */
  private ready: AddressRange | undefined
  private ensuring: Promise<void> | undefined
  /** The pass after the one that is on its way. */
  private nextPass: Promise<void> | undefined
  private nextLooks = false
  private lastPass: Promise<void> = Promise.resolve()
  private readonly guard: BridgeGuard
  /** Why the bridge could not be made. Whoever need not have one does not try again in this life. */
  private failure: Hindrance | undefined
  private readonly given = new Map<string, MachineAddress>()

  constructor(private readonly options: BridgeNetworkOptions) {
    this.bridge = bridgeName(options.identity)
    const commands = new CommandProcess(options.searchPath)
    this.run = commands.run
    this.guard = new BridgeGuard({ ...options, run: this.run, findPort: commands.portOf.bind(commands), bridge: this.bridge })
  }

  get mode(): 'bridge' | 'none' {
    return this.options.asked === 'bridge' || this.ready !== undefined ? 'bridge' : 'none'
  }

  async claim(holder: AddressHolder, claimName: string | undefined, signal: AbortSignal): Promise<MachineAddress | undefined> {
    const hindrance = await this.prepare(signal)
    if (hindrance && this.options.asked === 'auto' && claimName === undefined) return undefined
    if (hindrance)
      throw new StepError(
        'NetworkUnavailable',
        `${claimName === undefined ? '' : `the IPClaim ${claimName} needs the bridge of the node: `}${hindrance.message}`,
        true,
      )
    const address = this.given.get(holder.uid) ?? (await this.give(holder, claimName, signal))
    // It is about to be on another port than before, which a pass that is on its way may have seen.
    if (this.guard.holds(address.address)) await this.lastPass.catch(() => {})
    if (this.guard.holds(address.address)) await this.pass(false)
    return address
  }

  private async give(holder: AddressHolder, claimName: string | undefined, signal: AbortSignal): Promise<MachineAddress> {
    const text =
      claimName === undefined ? await makeClaim(this.options, holder, signal) : await takeClaim(this.options, holder, claimName, signal)
    const range = await this.rangeAround(text, signal)
    const gateway = printAddress(gatewayOf(range))
    const address = { address: text, prefixLength: range.prefixLength, gateway, bridge: this.bridge, mac: macOf(holder.uid) }
    this.given.set(holder.uid, address)
    return address
  }

  async release(holder: AddressHolder, signal: AbortSignal): Promise<void> {
    await releaseClaims(this.options, holder, signal)
    const address = this.given.get(holder.uid)?.address
    this.given.delete(holder.uid)
    // Addresses are soon given again: the next start is not to wait until its own is let go.
    if (address !== undefined && this.guard.holds(address)) void this.pinPorts()
  }

  async ensure(signal: AbortSignal): Promise<void> {
    const hindrance = await this.prepare(signal)
    if (hindrance) throw new StepError('NetworkUnavailable', hindrance.message ?? '', true)
  }

  async addTap(uid: string, user: number | undefined, signal: AbortSignal): Promise<string> {
    await this.ensure(signal)
    await ensureTap(this.run, tapName(uid), this.bridge, user, signal)
    const address = this.given.get(uid)?.address
    if (address !== undefined) this.guard.taps.set(uid, tapPort(uid, address))
    // Before the machine starts.
    await this.pass(false)
    return tapName(uid)
  }

  async removeTap(uid: string, signal: AbortSignal): Promise<void> {
    this.guard.taps.delete(uid)
    await removeLink(this.run, tapName(uid), signal)
  }

  follow(source: BridgePortSource): void {
    this.guard.sources.push(source)
  }

  async pinPorts(): Promise<void> {
    await this.pass(false).catch((error: unknown) => this.warn(error))
  }

  async condition(podCIDR: string | undefined): Promise<NetworkCondition | undefined> {
    const range = rangeOf(podCIDR)
    // Why it has none, the controller that gives ranges says.
    if (!range) return undefined
    const type = 'NetworkReady'
    const hindrance = this.failure ?? hindranceOf(await readNetworkFacts(this.options.searchPath), range, this.bridge)
    if (hindrance) return { type, status: 'False', ...hindrance }
    const made = `containers and virtual machines share ${printRange(range)} on ${this.bridge}, which is made when the first of them needs it`
    const message = this.guard.weakness === undefined ? made : `${made}; ${this.guard.weakness}`
    return { type, status: 'True', reason: 'BridgeReady', message }
  }

  /** Brings the bridge into order where it is not; what keeps it from that, if anything does. */
  private async prepare(signal: AbortSignal): Promise<Hindrance | undefined> {
    if (this.failure && this.options.asked === 'auto') return this.failure
    this.range ??= await this.findRange(signal)
    const { range } = this
    if (!range) return { reason: 'RangeExhausted', message: 'the node has no range of addresses yet (spec.podCIDR)' }
    if (this.ready === range && (await hasInterface(this.bridge))) return undefined
    const hindrance = hindranceOf(await readNetworkFacts(this.options.searchPath), range, this.bridge)
    if (hindrance) return hindrance
    // One for all that wait for it: it ends with none of them.
    this.ensuring ??= this.makeBridge(range).finally(() => {
      this.ensuring = undefined
    })
    await this.ensuring
    return this.failure
  }

  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (existsSync(bridgeMark(this.options.directory)) && (await hasInterface(this.bridge))) {
          this.range ??= await this.findRange(signal)
          await this.pass(true)
        }
      } catch (error) {
        if (!signal.aborted) this.warn(error)
      }
      await sleep(systemClock, watchMs, signal).catch(() => {})
    }
  }

  /**
   * Brings all of it into order. Whoever asks while that is done waits for the next time, which sees what is there by now. `look`: also at
   * what others may have changed, which is for `watch`, and for a bridge that is new: no start waits for that, or pays for it.
   */
  private pass(look: boolean): Promise<void> {
    this.nextLooks ||= look
    this.nextPass ??= this.lastPass
      .catch(() => {})
      .then(() => {
        this.lastPass = this.putInOrder(this.nextLooks)
        this.nextLooks = false
        this.nextPass = undefined
        return this.lastPass
      })
    return this.nextPass
  }

  private async putInOrder(look: boolean): Promise<void> {
    const { range } = this
    if (!range) return
    const signal = AbortSignal.timeout(makeDeadlineMs)
    if (look) await ensureBridge(this.run, this.bridge, range, signal)
    await this.guard.ensure(range, await interfaceNames(), look, signal)
  }

  private warn(error: unknown): void {
    this.options.log.warn({ err: error, bridge: this.bridge }, 'the rules of the bridge could not be brought into order; it is tried again')
  }

  private async makeBridge(range: AddressRange): Promise<void> {
    const { log, directory } = this.options
    try {
      await writeFile(bridgeMark(directory), `${this.bridge}\n`, { mode: 0o600 })
      await this.pass(true)
      this.ready = range
      this.failure = undefined
      log.info({ bridge: this.bridge, range: printRange(range) }, 'the bridge is in order')
    } catch (error) {
      this.failure = { reason: 'BridgeFailed', message: `the bridge could not be made: ${(error as Error).message}` }
      log.warn({ err: error, bridge: this.bridge }, 'the bridge could not be made')
    }
  }

  private async findRange(signal: AbortSignal): Promise<AddressRange | undefined> {
    for (;;) {
      const { spec } = await this.options.client.of(Node).get({ name: this.options.nodeName }, { signal })
      const range = rangeOf(spec.podCIDR)
      if (range || this.options.asked === 'bridge' || performance.now() >= this.waitUntilMs) return range
      await sleep(systemClock, rangeAgainMs, signal)
    }
  }

  /** The range that the address is of: the node's may have changed while nobody had an address of it. */
  private async rangeAround(text: string, signal: AbortSignal): Promise<AddressRange> {
    const address = parseAddress(text) ?? -1
    if (this.range && isInRange(this.range, address)) return this.range
    this.range = undefined
    await this.ensure(signal)
    if (this.range && isInRange(this.range, address)) return this.range
    throw new StepError('AddressUnavailable', `${text} is not in the range of the node`, true)
  }
}

const makeDeadlineMs = 60_000
const watchMs = 20_000
