/**
 * Where agents connect: TLS with a certificate of our own, which they pin, and client certificates of the cluster's authority. A connection
 * is taken from a node whose Node exists, and from nobody else; then this side asks and the agent answers.
 *
 *     const agents = await listenForAgents({ host, port, advertiseHost, authority, nodes, nodeExists, log })
 *     const { status, stream } = await nodes.ask('n1', { path: '/portforward/default/db?…' })
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from '../../lib/base/log.js'
import { acceptNodeConnection, offersNodeConnection } from '../../lib/stream/accept-node-connection.js'
import { readDataOffer } from '../../lib/stream/data-connection.js'
import { DataPool } from '../../lib/stream/data-pool.js'
import type { NodeConnections } from '../../lib/stream/node-connections.js'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'
import { listen } from '../listen.js'
import { nodeOfCertificate } from './node-of-certificate.js'
import { makeServingCertificate } from './serving-certificate.js'

export interface AgentListenerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** By which agents reach it: the name in its certificate. */
  readonly advertiseHost: string
  /** The cluster's authority, PEM: it has signed the certificates of nodes. */
  readonly authority: string
  /** Where the connections go. */
  readonly nodes: NodeConnections
  readonly nodeExists: (name: string) => boolean
  readonly log: Logger
  /** How often an open connection is judged again, milliseconds. Default 60 s. */
  readonly judgeEveryMs?: number
}

export interface AgentListener {
  readonly port: number
  /** What it serves, PEM: agents trust this and nothing else. */
  readonly certificate: string
  close(): Promise<void>
}

/** Strangers have so long to show a certificate, and agents to ask, milliseconds. */
const handshakeTimeoutMs = 10_000
const maxHeaderBytes = 8 * 1024
/** More than nodes and what is carried for them; a stranger's connections end after the handshake's time. */
const maxConnections = 32_768

/** Rejects with ListenError. */
export async function listenForAgents(options: AgentListenerOptions): Promise<AgentListener> {
  const { advertiseHost, authority, nodes, log, judgeEveryMs = 60_000 } = options
  const serving = await makeServingCertificate(advertiseHost)
  const server = https.createServer(
    {
      key: serving.key,
      cert: serving.certificate,
      ca: authority,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      // Data connections end half by half.
      allowHalfOpen: true,
      handshakeTimeout: handshakeTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
    },
    (_request, response) => response.writeHead(404).end(),
  )
  server.maxConnections = maxConnections
  const strangers = holdStrangers(server)
  server.on('upgrade', (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const node = nodeOfCertificate(socket.authorized ? socket.getPeerCertificate() : undefined)
    const mayConnect = () => node !== undefined && Date.now() <= node.notAfterMs && options.nodeExists(node.name)
    if (!node || !mayConnect()) return refuse(socket, 403)
    const offer = readDataOffer(request)
    if (offer) return nodes.dataOf(node.name, offer.key)?.add(offer.id, socket) ? undefined : refuse(socket, 403)
    if (!offersNodeConnection(request)) return refuse(socket, 400)
    const data = new DataPool()
    const connection = acceptNodeConnection(socket, head, data.key)
    const { close } = nodes.add(node.name, connection, data)
    const stop = judgeRepeatedly(judgeEveryMs, mayConnect, close)
    connection.once('close', () => {
      stop()
      log.info({ node: node.name }, 'the agent is disconnected')
    })
    log.info({ node: node.name }, 'the agent is connected')
  })
  const port = await listen(server, options.host, options.port, 'agent-port')
  return {
    port,
    certificate: serving.certificate,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      nodes.close()
      server.closeAllConnections()
      for (const socket of strangers.values()) socket.destroy()
      await closed
    },
  }
}

/** The connections that have shown no certificate yet, by their far end: the server closes none of them by itself. */
function holdStrangers(server: https.Server): ReadonlyMap<string, Socket> {
  const strangers = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const from = `${socket.remoteAddress} ${socket.remotePort}`
    strangers.set(from, socket)
    socket.once('close', () => strangers.get(from) === socket && strangers.delete(from))
  })
  server.on('secureConnection', ({ remoteAddress, remotePort }) => strangers.delete(`${remoteAddress} ${remotePort}`))
  return strangers
}

function refuse(socket: TLSSocket, code: number): void {
  socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  // Whoever keeps its half open keeps no connection.
  socket.destroySoon()
}
