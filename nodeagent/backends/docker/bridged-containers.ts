import type Docker from 'dockerode'
import type { BridgePort } from '../../network/bridge-port.js'
import type { RunCommand } from '../../network/run-command.js'
import { labels } from './container-options.js'
import { Engine, unlessMissing } from './engine.js'

interface Link {
  readonly ifindex: number
  readonly ifname: string
  readonly address?: string
  /** The number of its other end, where that lies. */
  readonly link_index?: number
}

/** Where the containers of an agent are joined to its bridge. An engine does not say it: the kernel knows the other end of a container's cable. */
export class BridgedContainers {
  /** By the engine's name of the joint, which is another at each start. */
  private interfaces = new Map<string, string>()

  private constructor(
    private readonly engine: Engine,
    private readonly agent: string,
    private readonly run: RunCommand,
  ) {}

  static async open(options: {
    readonly socketPath: string
    readonly agent: string
    readonly run: RunCommand
  }): Promise<BridgedContainers> {
    return new BridgedContainers(await Engine.open(options.socketPath), options.agent, options.run)
  }

  async ports(bridge: string, signal: AbortSignal): Promise<readonly BridgePort[]> {
    const filters = { label: [`${labels.agent}=${this.agent}`], network: [bridge], status: ['running', 'paused'] }
    const listed = await this.engine.call(signal, (options) => this.engine.docker.listContainers({ ...options, filters }))
    const interfaces = new Map<string, string>()
    const ports: BridgePort[] = []
    for (const container of listed) {
      const joint = container.NetworkSettings.Networks[bridge]
      if (!joint?.IPAddress) continue
      const found = this.interfaces.get(joint.EndpointID) ?? (await this.findInterface(container.Id, joint.MacAddress, bridge, signal))
      // It ended meanwhile.
      if (found === undefined) continue
      interfaces.set(joint.EndpointID, found)
      ports.push({ interface: found, address: joint.IPAddress, mac: joint.MacAddress, published: publishedBy(container) })
    }
    this.interfaces = interfaces
    return ports
  }

  private async findInterface(id: string, mac: string, bridge: string, signal: AbortSignal): Promise<string | undefined> {
    const container = await unlessMissing(this.engine.call(signal, (options) => this.engine.docker.getContainer(id).inspect(options)))
    if (!container?.State.Pid) return undefined
    const inside = [`--net=/proc/${container.State.Pid}/ns/net`, 'ip', '-json', 'link', 'show']
    const [within, joined] = await Promise.all([
      this.run('nsenter', inside, signal).catch(() => '[]'),
      this.run('ip', ['-json', 'link', 'show', 'master', bridge], signal),
    ])
    const card = linksIn(within).find(({ address }) => address === mac)
    return linksIn(joined).find(({ ifindex }) => ifindex === card?.link_index)?.ifname
  }
}

const linksIn = (printed: string) => (printed.trim() === '' ? [] : (JSON.parse(printed) as Link[]))

function publishedBy({ Ports }: Docker.ContainerInfo): BridgePort['published'] {
  return Ports.flatMap(({ PublicPort, Type }) =>
    PublicPort && (Type === 'tcp' || Type === 'udp') ? [{ port: PublicPort, protocol: Type }] : [],
  )
}
