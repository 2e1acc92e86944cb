import type Docker from 'dockerode'
import type { BridgePort, BridgePorts } from '../../network/bridge-port.js'
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

  async ports(bridge: string, signal: AbortSignal): Promise<BridgePorts> {
    const filters = { label: [`${labels.agent}=${this.agent}`], network: [bridge], status: ['running', 'paused'] }
    const listed = await this.engine.call(signal, (options) => this.engine.docker.listContainers({ ...options, filters }))
    const interfaces = new Map<string, string>()
    let joined: Promise<readonly Link[]> | undefined
    const onBridge = () => {
      joined ??= this.run('ip', ['-json', 'link', 'show', 'master', bridge], signal).then(linksIn)
      return joined
    }
    const ports: BridgePort[] = []
    let lost = 0
    for (const container of listed) {
      const joint = container.NetworkSettings.Networks[bridge]
      if (!joint?.IPAddress) continue
      const found = this.interfaces.get(joint.EndpointID) ?? (await this.findInterface(container.Id, joint.MacAddress, onBridge, signal))
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

  private async findInterface(
    id: string,
    mac: string,
    onBridge: () => Promise<readonly Link[]>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const pid = await this.pidOf(id, signal)
    if (pid === undefined) return undefined
    const inside = [`--net=/proc/${pid}/ns/net`, 'ip', '-json', 'link', 'show']
    const [within, joined] = await Promise.all([
      // Where that cannot be, the container is told as one whose port was not found.
      this.run('nsenter', inside, signal).catch(() => '[]'),
      onBridge(),
    ])
    const card = linksIn(within).find(({ address }) => address === mac)
    return joined.find(({ ifindex }) => ifindex === card?.link_index)?.ifname
  }
}

const linksIn = (printed: string) => (printed.trim() === '' ? [] : (JSON.parse(printed) as Link[]))

function publishedBy({ Ports }: Docker.ContainerInfo): BridgePort['published'] {
  return Ports.flatMap(({ PublicPort, Type }) =>
    PublicPort && (Type === 'tcp' || Type === 'udp') ? [{ port: PublicPort, protocol: Type }] : [],
  )
}
