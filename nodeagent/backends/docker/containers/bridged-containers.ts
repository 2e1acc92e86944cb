import type Docker from 'dockerode'
import type { BridgePort, BridgePorts, FindPort } from '../../../network/bridge-port.js'
import { Engine, unlessMissing } from '../engine/engine.js'
import { labels } from './container-options.js'

/**
 * Where the containers of an agent are joined to its bridge. An engine does not
 * say it: the kernel knows where the other end of a cable lies.
 */
export class BridgedContainers {
  /** By the engine's name of the joint, which is another at each start. */
  private interfaces = new Map<string, string>()

  private constructor(
    private readonly engine: Engine,
    private readonly agent: string,
  ) {}

  static async open(options: { readonly socketPath: string; readonly agent: string }): Promise<BridgedContainers> {
    return new BridgedContainers(await Engine.open(options.socketPath), options.agent)
  }

  async ports(bridge: string, findPort: FindPort, signal: AbortSignal): Promise<BridgePorts> {
    const filters = { label: [`${labels.agent}=${this.agent}`], network: [bridge], status: ['running', 'paused'] }
    const listed = await this.engine.call(signal, (options) => this.engine.docker.listContainers({ ...options, filters }))
    const interfaces = new Map<string, string>()
    const ports: BridgePort[] = []
    let lost = 0
    for (const container of listed) {
      const joint = container.NetworkSettings.Networks[bridge]
      if (!joint?.IPAddress) continue
      const found = this.interfaces.get(joint.EndpointID) ?? (await this.findInterface(container.Id, bridge, findPort, signal))
      if (found === undefined) {
        // Unless it ended meanwhile.
        if ((await this.pidOf(container.Id, signal)) !== undefined) lost++
        continue
      }
      interfaces.set(joint.EndpointID, found)
      ports.push({ interface: found, address: joint.IPAddress, mac: joint.MacAddress, published: publishedBy(container) })
    }
    this.interfaces = interfaces
    return { ports, lost }
  }

  /** Undefined when it does not run. */
  private async pidOf(id: string, signal: AbortSignal): Promise<number | undefined> {
    const container = await unlessMissing(this.engine.call(signal, (options) => this.engine.docker.getContainer(id).inspect(options)))
    return container?.State.Pid || undefined
  }

  private async findInterface(container: string, bridge: string, findPort: FindPort, signal: AbortSignal): Promise<string | undefined> {
    const pid = await this.pidOf(container, signal)
    return pid === undefined ? undefined : await findPort(bridge, { pid, container }, signal)
  }
}

function publishedBy({ Ports }: Docker.ContainerInfo): BridgePort['published'] {
  return Ports.flatMap(({ PublicPort, Type }) =>
    PublicPort && (Type === 'tcp' || Type === 'udp') ? [{ port: PublicPort, protocol: Type }] : [],
  )
}
