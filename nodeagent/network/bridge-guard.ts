/** Keeps the rules of a bridge as what is on it demands: those of packets (firewall.ts), and those of its ports (port-pins.ts). */
import { readFile } from 'node:fs/promises'
import { type AddressRange, gatewayOf, printAddress, printRange } from '../../lib/api/address-range.js'
import type { Logger } from '../../lib/base/log.js'
import { reachableNameservers } from '../backends/qemu/cloud-init/network-config.js'
import type { BridgePort, BridgePortSource, BridgePorts, FindPort } from './bridge-port.js'
import { firewallOf, type NodePort } from './firewall.js'
import { InstalledFirewall } from './install-firewall.js'
import { bridgeMac } from './network-names.js'
import { canNameBridge, portPinsOf } from './port-pins.js'
import type { RunCommand } from './run-command.js'

export interface BridgeGuardOptions {
  readonly bridge: string
  readonly run: RunCommand
  readonly findPort: FindPort
  /** Ports of the node that all its workloads may reach. */
  readonly openPorts: readonly NodePort[]
  readonly log: Logger
}

/** Where the name servers of a machine stand, and of one that resolves by systemd. */
const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const

export class BridgeGuard {
  readonly sources: BridgePortSource[] = []
  /** Taps of this life of the agent, by uid: they are pinned before their backend knows that they are used. */
  readonly taps = new Map<string, BridgePort>()
  /** Why the ports are not pinned, or not all of them, in words. */
  weakness: string | undefined
  private pinned: ReadonlySet<string> = new Set()
  /** What each source told last: one that does not answer has nothing new to tell. */
  private readonly told = new Map<BridgePortSource, BridgePorts>()

  private readonly packets: InstalledFirewall
  private readonly frames: InstalledFirewall
  private namesBridge: boolean | undefined

  constructor(private readonly options: BridgeGuardOptions) {
    this.packets = new InstalledFirewall(options.run, 'packets', options.bridge)
    this.frames = new InstalledFirewall(options.run, 'frames', options.bridge)
  }

  /** Whether an address is pinned to a port. */
  holds(address: string): boolean {
    return this.pinned.has(address)
  }

  /**
   * `interfaces`: those that there are; a workload that has none has ended. `look`: whether others have
   * changed rules; else what this agent has put is taken for there.
   */
  async ensure(range: AddressRange, interfaces: ReadonlySet<string>, look: boolean, signal: AbortSignal): Promise<void> {
    const { bridge, run, openPorts } = this.options
    const told = await this.ask(signal)
    const found = [...this.taps.values(), ...told.flatMap((each) => each.ports)]
    const ports = [...new Map(found.filter((port) => interfaces.has(port.interface)).map((port) => [port.interface, port])).values()]
    const open = [...openPorts, ...ports.flatMap(({ published }) => published)]
    const texts = await Promise.all(resolverFiles.map((file) => readFile(file, 'utf8').catch(() => '')))
    const nameservers = [...new Set(texts.flatMap(reachableNameservers))]
    this.tell(await this.packets.ensure(firewallOf({ bridge, range: printRange(range), nameservers, open }), look, signal))
    try {
      this.namesBridge ??= await canNameBridge(run, bridge, signal)
      const gateway = { address: printAddress(gatewayOf(range)), mac: bridgeMac(bridge) }
      this.tell(await this.frames.ensure(portPinsOf(bridge, gateway, ports, this.namesBridge), look, signal))
      this.pinned = new Set(ports.map(({ address }) => address))
      this.confess(weaknessOf(told.reduce((sum, { lost }) => sum + lost, 0)))
    } catch (error) {
      this.confess(`its workloads are not kept from using each other's addresses: ${(error as Error).message}`, error)
    }
  }

  private tell(rulesInFront: readonly string[]): void {
    const { log, bridge } = this.options
    if (rulesInFront.length > 0)
      log.warn(
        { bridge, rules: rulesInFront },
        'rules of others let packets pass before those of the bridge were asked, which come first again',
      )
  }

  private confess(weakness: string | undefined, err?: unknown): void {
    const { log, bridge } = this.options
    if (weakness !== undefined && this.weakness === undefined)
      log.warn({ ...(err === undefined ? {} : { err }), bridge, weakness }, 'workloads could not be pinned to their addresses')
    this.weakness = weakness
  }

  private async ask(signal: AbortSignal): Promise<readonly BridgePorts[]> {
    const { bridge, findPort, log } = this.options
    for (const source of this.sources)
      try {
        this.told.set(source, await source(bridge, findPort, signal))
      } catch (error) {
        log.debug({ err: error }, 'a backend does not say what is on the bridge')
      }
    return [...this.told.values()]
  }
}

/** Pure. */
export function weaknessOf(lost: number): string | undefined {
  if (lost === 0) return undefined
  const [are, their] = lost === 1 ? ['container is', 'its port'] : ['containers are', 'their ports']
  return `${lost} ${are} not kept to an address, as ${their} on the bridge could not be found`
}
