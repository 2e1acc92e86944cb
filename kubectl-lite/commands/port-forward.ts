/** `port-forward`: ports of this machine that lead to ports of a Task, until Ctrl-C. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import net, { type AddressInfo, type Server } from 'node:net'
import { printEndpoint } from '../../lib/api/listen-address.js'
import { DatagramPeers } from '../../lib/stream/datagram-peers.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import type { Cluster } from '../cluster/cluster.js'
import { awaitAgent } from '../sessions/await-agent.js'
import { findTask, sessionPath, type TaskAddress } from '../sessions/find-task.js'
import { forwardConnection } from '../sessions/forward-connection.js'
import { orNameVps } from '../sessions/or-name-vps.js'

interface Flags {
  readonly address: string
  readonly udp?: boolean
}

/** `local` 0: any free one. */
export interface PortPair {
  readonly local: number
  readonly remote: number
}

export const portForward: DefineCommand = (command, cli) => {
  command
    .argument('<task>', 'NAME, task/NAME, vps/NAME, or deployment/NAME for one of its Tasks')
    .argument('<ports...>', 'PORT, LOCAL:PORT, or :PORT for any free one here')
    .option('--address <address>', 'the address to listen on', '127.0.0.1')
    .option('--udp', 'the ports are of UDP: datagrams may be lost on the way, as in any network')
    .addHelpText('after', '\nExamples: kubectl-lite port-forward web 8080:80\n          kubectl-lite port-forward --udp dns 5353:53')
    .action(async (word: string, ports: string[], flags: Flags) => {
      const pairs = ports.map(parsePortPair)
      const cluster = await cli.connect()
      const address = await findTask(cluster, word, 'portforward', cli.io)
      const listen = flags.udp ? listenForDatagrams : listenForConnections
      const servers = await Promise.all(pairs.map((pair) => listen(cli, cluster, address, pair, flags.address)))
      if (!cli.io.signal.aborted) await once(cli.io.signal, 'abort')
      for (const server of servers) server.close()
    })
}

/** Throws UsageError. Pure. */
function parsePortPair(text: string): PortPair {
  const [, local, remote] = /^(?:(\d{0,5}):)?(\d{1,5})$/.exec(text) ?? []
  const pair = { local: Number(local ?? remote), remote: Number(remote) }
  if (remote === undefined || pair.remote < 1 || pair.remote > 65_535 || pair.local > 65_535)
    throw new UsageError(`"${text}" is no pair of ports: give PORT, LOCAL:PORT or :PORT`)
  return pair
}

async function listenForConnections(
  cli: Cli,
  cluster: Cluster,
  address: TaskAddress,
  { local, remote }: PortPair,
  host: string,
): Promise<Server> {
  const { io } = cli
  const path = await sessionPath(cluster, address, 'portforward', new URLSearchParams({ ports: String(remote) }))
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, async (socket) => {
    socket.on('error', () => {}) // its own business: the next one may do better
    await io.out(`Handling connection for ${(server.address() as AddressInfo).port}\n`)
    try {
      const link = awaitAgent(() => cluster.client.channels(path, io.signal), io.signal)
      await forwardConnection(await orNameVps(cluster, address, link), socket)
    } catch (error) {
      if (!io.signal.aborted) io.err(`${errorText(error)}\n`)
      socket.destroy()
    }
  })
  server.listen(local, host)
  await once(server, 'listening')
  await io.out(`Forwarding from ${host}:${(server.address() as AddressInfo).port} -> ${remote}\n`)
  return server
}

/** Each peer, which is an address and a port here, has a session of its own, until it has been silent for a minute. */
async function listenForDatagrams(
  cli: Cli,
  cluster: Cluster,
  address: TaskAddress,
  { local, remote }: PortPair,
  host: string,
): Promise<{ close(): void }> {
  const { io } = cli
  const path = await sessionPath(cluster, address, 'portforward', new URLSearchParams({ ports: String(remote), protocol: 'udp' }))
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const peers = new DatagramPeers({
    socket,
    carry: async (peer, from) => {
      try {
        await io.out(`Handling datagrams from ${printEndpoint(from.address, from.port)}\n`)
        const link = awaitAgent(() => cluster.client.channels(path, io.signal), io.signal)
        await forwardConnection(await orNameVps(cluster, address, link), peer)
      } catch (error) {
        if (!io.signal.aborted) io.err(`${errorText(error)}\n`)
      }
    },
  })
  socket.bind(local, host)
  await once(socket, 'listening')
  await io.out(`Forwarding datagrams from ${printEndpoint(host, socket.address().port)} -> ${remote}\n`)
  return {
    close() {
      peers.endAll()
      socket.close()
    },
  }
}
