import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { connectDatagrams } from '../connect-datagrams.js'
import { connectTo, NotListening } from '../connect-to.js'
import { enterContainer } from './enter-container.js'

/**
 * Connects to a port of a container; by udp, with datagrams framed (lib/stream/datagrams.ts). As root from inside of its network, where it may listen on its
 * loopback alone; else to its address, if it has one.
 */
export function dialContainer(
  container: Docker.ContainerInspectInfo,
  port: number,
  protocol: 'tcp' | 'udp',
  signal: AbortSignal,
): Promise<Duplex> {
  if (process.getuid?.() === 0 && container.State.Pid > 1) return dialInside(container.State.Pid, port, protocol, signal)
  const addresses = Object.values(container.NetworkSettings.Networks).map((network) => network.IPAddress)
  const address = addresses.find((candidate) => candidate !== '')
  if (address === undefined) throw new NotListening('the container has no address that could be connected to')
  return protocol === 'udp' ? connectDatagrams(address, port, signal) : connectTo(address, port, signal)
}

const scripts = { tcp: 'docker/connect.pl', udp: 'docker/connect-datagrams.pl' } as const

function dialInside(pid: number, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
  const failure = (why: string) => new NotListening(`port ${port} cannot be connected to: ${why}`)
  return enterContainer(scripts[protocol], [String(pid), String(port)], failure, signal)
}
