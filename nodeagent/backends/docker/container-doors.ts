import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { BackendError } from '../backend.js'
import { connectDatagrams } from '../connect-datagrams.js'
import { connectTo, NotListening } from '../connect-to.js'
import { ContainerDoor } from './container-door.js'

export interface ContainerDoorsOptions {
  /** Helpers at once; each costs some megabytes. Default 32. */
  readonly most?: number
  /** For so long a helper waits for the next who asks. Default 30 s. */
  readonly idleMs?: number
}

/** The ways to the ports of a node's containers. */
export class ContainerDoors {
  /** By what they lead to, the one that was asked last at the end. */
  private readonly doors = new Map<string, ContainerDoor>()
  private readonly most: number
  private readonly idleMs: number

  constructor({ most = 32, idleMs = 30_000 }: ContainerDoorsOptions = {}) {
    this.most = most
    this.idleMs = idleMs
  }

  /**
   * Connects to a port of a running container; by udp, with datagrams framed (lib/stream/datagrams.ts). As root from inside of its network, where it may listen
   * on its loopback or its own address alone; else to its address, if it has one. Rejects with NotListening or BackendError.
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

  private doorOf({ Id, State: { Pid } }: Docker.ContainerInspectInfo): ContainerDoor {
    const key = `${Id} ${Pid}`
    const known = this.doors.get(key)
    this.doors.delete(key)
    const door = known ?? this.open(Id, Pid, key)
    this.doors.set(key, door)
    return door
  }

  private open(id: string, pid: number, key: string): ContainerDoor {
    if (this.doors.size >= this.most) {
      const unused = [...this.doors.values()].find(({ isIdle }) => isIdle)
      if (!unused)
        throw new BackendError(
          'BackendUnavailable',
          `connections into ${this.most} containers of the node are being opened; try again in a moment`,
          true,
        )
      unused.close()
    }
    return new ContainerDoor(pid, id, this.idleMs, () => this.doors.delete(key))
  }
}
