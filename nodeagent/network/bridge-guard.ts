/** Keeps the rules of a bridge as what is on it demands: those of packets (firewall.ts), and those of its ports (port-pins.ts). */
import { readFile } from 'node:fs/promises'
import { type AddressRange, gatewayOf, printAddress, printRange } from '../../lib/api/address-range.js'
import type { Logger } from '../../lib/base/log.js'
import { reachableNameservers } from '../backends/qemu/cloud-init/network-config.js'
import type { BridgePort, BridgePortSource } from './bridge-port.js'
import { firewallOf, type NodePort } from './firewall.js'
import { ensureFirewall } from './install-firewall.js'
import { bridgeMac } from './network-names.js'
import { portPinsOf } from './port-pins.js'
import type { RunCommand } from './run-command.js'

export interface BridgeGuardOptions {
  readonly bridge: string
  readonly run: RunCommand
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
  /** Why the ports are not pinned, in words. */
  weakness: string | undefined
  private pinned: ReadonlySet<string> = new Set()
  /** What each source told last: one that does not answer has nothing new to tell. */
  private readonly told = new Map<BridgePortSource, readonly BridgePort[]>()

  constructor(private readonly options: BridgeGuardOptions) {}

  /** Whether an address is pinned to a port. */
  holds(address: string): boolean {
    return this.pinned.has(address)
  }

  /** `interfaces`: those that there are; a workload that has none has ended. */
  async ensure(range: AddressRange, interfaces: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { bridge, run, openPorts, log } = this.options
    const found = [...this.taps.values(), ...(await this.portsOf(signal))]
    const ports = [...new Map(found.filter((port) => interfaces.has(port.interface)).map((port) => [port.interface, port])).values()]
    const open = [...openPorts, ...ports.flatMap(({ published }) => published)]
    const texts = await Promise.all(resolverFiles.map((file) => readFile(file, 'utf8').catch(() => '')))
    const nameservers = [...new Set(texts.flatMap(reachableNameservers))]
    await ensureFirewall(run, 'packets', bridge, firewallOf({ bridge, range: printRange(range), nameservers, open }), signal)
    try {
      await ensureFirewall(
        run,
        'frames',
        bridge,
        portPinsOf(bridge, { address: printAddress(gatewayOf(range)), mac: bridgeMac(bridge) }, ports),
        signal,
      )
      this.weakness = undefined
      this.pinned = new Set(ports.map(({ address }) => address))
    } catch (error) {
      if (this.weakness === undefined) log.warn({ err: error, bridge }, 'workloads could not be pinned to their addresses')
      this.weakness = `its workloads are not kept from using each other's addresses: ${(error as Error).message}`
    }
  }

  private async portsOf(signal: AbortSignal): Promise<readonly BridgePort[]> {
    for (const source of this.sources)
      try {
        this.told.set(source, await source(this.options.bridge, signal))
      } catch (error) {
        this.options.log.debug({ err: error }, 'a backend does not say what is on the bridge')
      }
    return [...this.told.values()].flat()
  }
}
