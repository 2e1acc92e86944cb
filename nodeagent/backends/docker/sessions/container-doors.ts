import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { connectDatagrams } from '../../connect-datagrams.js'
import { connectTo, NotListening } from '../../connect-to.js'
import { labels } from '../containers/container-options.js'
import { ContainerDoor } from './container-door.js'
import { whichGivesWay } from './which-gives-way.js'

export interface ContainerDoorsOptions {
  /** Helpers at once; each costs some megabytes. Default 32. */
  readonly most?: number
  /** For so long a helper waits for the next who asks. Default 30 s. */
  readonly idleMs?: number
}

const gaveWay = 'it gave way to another: too many containers of the node let connections wait'

/**
 * The ways to the ports of a node's containers. A namespace whose containers let connections hang
 * takes no door from one that has fewer; it pushes out its own.
 */
export class ContainerDoors {
  /** By what they lead to, the one that became busy last at the end. */
  private readonly doors = new Map<string, ContainerDoor>()
  private readonly most: number
  private readonly idleMs: number

  constructor({ most = 32, idleMs = 30_000 }: ContainerDoorsOptions = {}) {
    this.most = most
    this.idleMs = idleMs
  }

  /**
   * Connects to a port of a running container; by udp, with datagrams framed (lib/stream/datagrams.ts). As root from inside of its network,
   * where it may listen on its loopback or its own address alone; else to its address, if it has one. Rejects with NotListening.
   */
  async dial(container: Docker.ContainerInspectInfo, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    const addresses = Object.values(container.NetworkSettings.Networks)
      .map((network) => network.IPAddress)
      .filter((address) => address !== '')
    if (process.getuid?.() === 0 && container.State.Pid > 1) {
      const door = this.doorOf(container)
      return protocol === 'udp' ? door.connectDatagrams(port, signal) : door.connect(['127.0.0.1', '::1', ...addresses], port, signal)
    }
    const [address] = addresses
    if (address === undefined) throw new NotListening('the container has no address that could be connected to')
    return protocol === 'udp' ? connectDatagrams(address, port, signal) : connectTo(address, port, signal)
  }

  close(): void {
    for (const door of [...this.doors.values()]) door.close()
  }

  private doorOf({ Id, State: { Pid }, Config: { Labels } }: Docker.ContainerInspectInfo): ContainerDoor {
    const key = `${Id} ${Pid}`
    const known = this.doors.get(key)
    if (known && !known.isIdle) return known
    this.doors.delete(key)
    const door = known ?? this.open(Id, Pid, key, Labels[labels.namespace] ?? '')
    this.doors.set(key, door)
    return door
  }

  private open(id: string, pid: number, key: string, namespace: string): ContainerDoor {
    if (this.doors.size >= this.most) whichGivesWay([...this.doors.values()], namespace)?.close(gaveWay)
    return new ContainerDoor(pid, id, namespace, this.idleMs, () => this.doors.delete(key))
  }
}
