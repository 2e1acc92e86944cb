import type Docker from 'dockerode'
import { type AddressRange, parseAddress, printRange } from '../../../../lib/api/address-range.js'
import { BackendError } from '../../backend.js'
import type { MachineAddress } from '../../machine-backend.js'
import { Engine, unlessMissing } from '../engine/engine.js'
import { explain, sayingOf, statusOf } from '../engine/engine-refusal.js'
import { labels } from './container-options.js'

/** What an address says of the network that it is on. */
export type OnNetwork = Pick<MachineAddress, 'address' | 'prefixLength' | 'gateway' | 'bridge'>

/**
 * The engine's networks over the node's bridge, each under the bridge's name, so that containers and virtual machines share it. The engine
 * gives no address of them by itself, and leaves the way out to the agent's rules.
 */
export class EngineNetworks {
  /** Bridges whose networks were seen to be there. */
  private readonly seen = new Set<string>()

  constructor(
    private readonly engine: Engine,
    private readonly agent: string,
  ) {}

  /** Makes sure that there is the network that the address is on. Rejects with a BackendError. */
  async join(address: OnNetwork | undefined, signal: AbortSignal): Promise<void> {
    if (!address || this.seen.has(address.bridge)) return
    await this.ensure(address, signal)
    this.seen.add(address.bridge)
  }

  /** Brings a stopped container, made while the node had no bridge, onto the network of its address. */
  async move(container: Docker.ContainerInspectInfo, { bridge, address, mac }: MachineAddress, signal: AbortSignal): Promise<void> {
    const present = Object.keys(container.NetworkSettings.Networks ?? {})
    if (container.State.Running || present.includes(bridge)) return
    const network = (name: string) => this.engine.docker.getNetwork(name)
    for (const name of present)
      await this.engine.call(signal, (options) => network(name).disconnect({ ...options, Container: container.Id, Force: true }))
    const joint = { Container: container.Id, EndpointConfig: { IPAMConfig: { IPv4Address: address }, MacAddress: mac } }
    await this.engine.call(signal, (options) => network(bridge).connect({ ...options, ...joint }))
  }

  /** Whether a start failed because somebody removed the network behind the agent's back: the next `join` makes it again. */
  isLost(address: OnNetwork | undefined, error: unknown): boolean {
    if (!address || statusOf(error) !== 404 || !/network .* not found/i.test(sayingOf(error))) return false
    this.seen.delete(address.bridge)
    return true
  }

  private async ensure(at: OnNetwork, signal: AbortSignal): Promise<void> {
    const wanted = subnetOf(at)
    const present = await inspect(this.engine, at.bridge, signal)
    const subnet = present?.IPAM?.Config?.[0]?.Subnet
    if (present && subnet === wanted) return
    if (present && Object.keys(present.Containers ?? {}).length > 0)
      throw new BackendError(
        'CreateFailed',
        `the engine's network ${at.bridge} has the range ${subnet}, and containers that use it; the node has ${wanted}`,
        true,
      )
    if (present) await removeNetwork(this.engine, at.bridge, signal)
    await this.make(at, wanted, signal)
  }

  private async make({ bridge, gateway }: OnNetwork, subnet: string, signal: AbortSignal): Promise<void> {
    const options = {
      Name: bridge,
      Driver: 'bridge',
      CheckDuplicate: true,
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: gateway }] },
      Options: { 'com.docker.network.bridge.name': bridge, 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
      Labels: { [labels.agent]: this.agent },
    }
    try {
      await this.engine.call(signal, (call) => this.engine.docker.createNetwork({ ...options, ...call }))
    } catch (error) {
      // 409: another start has made it meanwhile.
      if (statusOf(error) === 409) return
      if (error instanceof BackendError || statusOf(error) === undefined) throw error
      throw new BackendError('CreateFailed', `the engine's network ${bridge} could not be made: ${explain(error)}`, true, { cause: error })
    }
  }
}

/** Removes the network over a bridge from the engine behind a socket, when nothing uses it any more. Idempotent. */
export async function removeEngineNetwork(socketPath: string, bridge: string, signal: AbortSignal): Promise<void> {
  await removeNetwork(await Engine.open(socketPath), bridge, signal)
}

async function removeNetwork(engine: Engine, bridge: string, signal: AbortSignal): Promise<void> {
  await unlessMissing(engine.call(signal, (options) => engine.docker.getNetwork(bridge).remove(options as object)))
}

function inspect(engine: Engine, bridge: string, signal: AbortSignal): Promise<Docker.NetworkInspectInfo | undefined> {
  const network = engine.docker.getNetwork(bridge)
  // dockerode's types know this call without options alone.
  const call = network.inspect as (options: object) => Promise<Docker.NetworkInspectInfo>
  return unlessMissing(engine.call(signal, (options) => call.call(network, options)))
}

function subnetOf({ gateway, prefixLength }: OnNetwork): string {
  const size = 2 ** (32 - prefixLength)
  const address = parseAddress(gateway) ?? 0
  const range: AddressRange = { first: address - (address % size), prefixLength, size }
  return printRange(range)
}
