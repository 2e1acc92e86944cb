/**
 * The way to a Vps: its node's agent is asked, over the connection that it has dialled, whatever the backend is.
 *
 *     const link = await machines.openExec(vps, { command: [], tty: true, environment: {} }, signal)
 *     const connection = await machines.dialPort(vps, 8080, signal)
 */
import type { Duplex } from 'node:stream'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { ChannelLink } from '../../lib/stream/channel-link.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { type NodeConnections, NodeUnreachable } from '../../lib/stream/node-connections.js'
import { readRefusalText } from '../../lib/stream/refusal-text.js'

/** Why there is no way to a machine now, in a sentence. */
export class MachineUnreachable extends Error {
  override readonly name = 'MachineUnreachable'
}

export interface MachineOrder {
  /** Empty: the login shell. */
  readonly command: readonly string[]
  readonly tty: boolean
  readonly environment: Readonly<Record<string, string>>
}

export interface MachineStreams {
  /** Channels as lib/stream/channel-link.ts numbers them. All reject with MachineUnreachable. */
  openExec(vps: Vps, order: MachineOrder, signal: AbortSignal): Promise<ChannelLink>
  /** An SFTP server of its files. */
  openFiles(vps: Vps, signal: AbortSignal): Promise<Duplex>
  /** A TCP connection to a port that it listens on. */
  dialPort(vps: Vps, port: number, signal: AbortSignal): Promise<Duplex>
}

export function createMachineStreams(nodes: Pick<NodeConnections, 'ask' | 'open'>): MachineStreams {
  async function open(route: 'exec' | 'sftp' | 'portforward', vps: Vps, orders: URLSearchParams, signal: AbortSignal): Promise<Duplex> {
    const { namespace = '', name, uid } = vps.metadata
    const node = nodeOf(vps)
    orders.set('kind', 'Vps')
    orders.set('uid', uid)
    orders.set('attempt', '0')
    const path = `/${route}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${orders}`
    try {
      const request = { method: 'POST', path, signal, namespace }
      // Frames of channels are small, and many; what else there is are bytes of any number.
      const { status, stream } = await (route === 'exec' ? nodes.ask(node, { ...request, writes: true }) : nodes.open(node, request))
      if (status === 200) return stream
      throw new MachineUnreachable((await readRefusalText(stream)) || `the agent of node "${node}" answered with code ${status}`)
    } catch (error) {
      throw error instanceof NodeUnreachable ? new MachineUnreachable(error.message, { cause: error }) : error
    }
  }

  return {
    async openExec(vps, { command, tty, environment }, signal) {
      const orders = new URLSearchParams({ stdin: 'true', tty: String(tty) })
      for (const word of command) orders.append('command', word)
      for (const [name, value] of Object.entries(environment)) orders.append('env', `${name}=${value}`)
      return new FramedChannels(await open('exec', vps, orders, signal))
    },
    openFiles: (vps, signal) => open('sftp', vps, new URLSearchParams(), signal),
    dialPort: (vps, port, signal) => open('portforward', vps, new URLSearchParams({ port: String(port) }), signal),
  }
}

/** Throws MachineUnreachable for a machine that cannot be up. */
function nodeOf({ metadata: { name }, spec, status }: Vps): string {
  const { nodeName } = spec
  const phase = status?.phase ?? 'Pending'
  if (nodeName === undefined || (phase !== 'Running' && phase !== 'Unknown'))
    throw new MachineUnreachable(
      `vps "${name}" does not run: its phase is ${phase}${spec.running ? '' : ` (kubectl-lite start vps/${name} starts it)`}`,
    )
  return nodeName
}
