/**
 * One HTTP request over node:http or node:https, on kept-alive connections. Streams (watches, logs that follow) have a pool of their own,
 * so that they never hold back a short request.
 */
import { setMaxListeners } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { ConnectionError } from './client.js'
import type { ClientConfig, Impersonation } from './client-config.js'
import { type Credentials, createCredentialsReader } from './credentials.js'

export interface TransportRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | Buffer | undefined
  readonly signal?: AbortSignal | undefined
  /** How long to wait for the head of the answer, milliseconds. Undefined: for ever. */
  readonly timeoutMs?: number | undefined
  /** A stream keeps its connection to itself. Default false. */
  readonly stream?: boolean | undefined
}

export interface Transport {
  /**
   * Resolves with the head of the answer; its body is the caller's to read or
   * destroy. Rejects with ConnectionError, or the signal's reason.
   */
  send(request: TransportRequest): Promise<http.IncomingMessage>
  /** What a connection of its own needs: a WebSocket. */
  connectionOptions(): { readonly server: string; readonly headers: Readonly<Record<string, string | string[]>>; readonly tls: TlsOptions }
  /** Bears this token from the next request on. What is open goes on under the one before. */
  useToken(token: string): void
  /** Ends all connections; what is in flight fails. */
  close(): void
}

/** At most so many short requests at once; more wait for a connection. */
const maxConnections = 64

export function createTransport(config: ClientConfig, userAgent: string): Transport {
  const base = new URL(config.server)
  const secure = base.protocol === 'https:'
  if (!secure && base.protocol !== 'http:')
    throw new Error(`the server's address must begin with https:// or http://, not ${config.server}`)
  const basePath = base.pathname.replace(/\/+$/, '')
  const readCredentials = createCredentialsReader(config)
  const impersonation = impersonationHeaders(config.impersonate)
  let agents: Agents | undefined
  let renewed: string | undefined
  let closed = false

  const currentAgents = (): Agents => {
    const credentials = readCredentials()
    if (agents?.credentials.version === credentials.version) return agents
    agents?.requests.destroyIdle()
    agents = createAgents(config, credentials, secure)
    return agents
  }

  /** Who asks, with what, and as whom. */
  const identityHeaders = (credentials: Credentials) => {
    const authorization = renewed ?? credentials.authorization
    return { 'user-agent': userAgent, ...(authorization === undefined ? {} : { authorization }), ...impersonation }
  }

  const send = async (request: TransportRequest): Promise<http.IncomingMessage> => {
    if (closed) throw new ConnectionError(`the client of ${config.server} is closed`)
    request.signal?.throwIfAborted()
    // One signal may end many requests at once: a program's own, say. Node would warn of a leak.
    if (request.signal) setMaxListeners(0, request.signal)
    const { credentials, requests, streams } = currentAgents()
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json', ...request.headers, ...identityHeaders(credentials) }
    if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body)
    return await new Promise((resolve, reject) => {
      const outgoing = (secure ? https : http).request({
        host: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port || (secure ? 443 : 80),
        method: request.method,
        path: basePath + request.path,
        headers,
        agent: request.stream ? streams : requests.agent,
      })
      const fail = (error: Error) => {
        settle()
        reject(error)
      }
      const onAbort = () => {
        fail(reasonOf(request.signal))
        outgoing.destroy()
      }
      const timer =
        request.timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              fail(new ConnectionError(`${config.server} did not answer ${request.method} ${request.path} within ${request.timeoutMs} ms`))
              outgoing.destroy()
            }, request.timeoutMs)
      const settle = () => {
        clearTimeout(timer)
        request.signal?.removeEventListener('abort', onAbort)
      }
      request.signal?.addEventListener('abort', onAbort, { once: true })
      outgoing.on('error', (error) => fail(explain(error, config.server)))
      outgoing.on('response', (response) => {
        settle()
        if (request.signal) abortBody(response, request.signal)
        resolve(response)
      })
      outgoing.end(request.body)
    })
  }

  return {
    send,
    connectionOptions() {
      const credentials = readCredentials()
      return { server: config.server.replace(/\/+$/, ''), headers: identityHeaders(credentials), tls: tlsOptions(config, credentials) }
    },
    useToken(token) {
      renewed = `Bearer ${token}`
    },
    close() {
      closed = true
      agents?.requests.agent.destroy()
      agents?.streams.destroy()
    },
  }
}

function impersonationHeaders(impersonate: Impersonation | undefined): Record<string, string | string[]> {
  if (impersonate === undefined) return {}
  const { user, groups = [], uid } = impersonate
  return {
    'impersonate-user': user,
    ...(groups.length > 0 ? { 'impersonate-group': [...groups] } : {}),
    ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
  }
}

interface Agents {
  readonly credentials: Credentials
  readonly requests: { readonly agent: http.Agent; destroyIdle(): void }
  readonly streams: http.Agent
}

type TlsOptions = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>

function tlsOptions(config: ClientConfig, credentials: Credentials): TlsOptions {
  return {
    ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
    ...(credentials.certificate === undefined ? {} : { cert: credentials.certificate }),
    ...(credentials.key === undefined ? {} : { key: credentials.key }),
    ...(config.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
    ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
  }
}

function createAgents(config: ClientConfig, credentials: Credentials, secure: boolean): Agents {
  const tls = tlsOptions(config, credentials)
  const create = (options: http.AgentOptions) => (secure ? new https.Agent({ ...options, ...tls }) : new http.Agent(options))
  const agent = leaveEarly(create({ keepAlive: true, maxSockets: maxConnections }))
  return {
    credentials,
    requests: {
      agent,
      destroyIdle() {
        for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
      },
    },
    streams: create({ keepAlive: false }),
  }
}

/**
 * Gives an idle connection up a second before the server said that it would: a request that meets the server's close would fail with its
 * outcome unknown.
 */
function leaveEarly<A extends http.Agent>(agent: A): A {
  // The declared types know neither the result nor that the stream is a socket.
  const keep = agent as unknown as { keepSocketAlive(socket: Socket): boolean }
  const inherited = keep.keepSocketAlive.bind(agent)
  keep.keepSocketAlive = (socket) => {
    if (!inherited(socket)) return false
    if (socket.timeout) socket.setTimeout(Math.max(socket.timeout - 1000, 1))
    return true
  }
  return agent
}

function abortBody(response: http.IncomingMessage, signal: AbortSignal): void {
  const onAbort = () => response.destroy(reasonOf(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  response.once('close', () => signal.removeEventListener('abort', onAbort))
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal?.reason })
}

/** Node's error as a sentence that says what to look at. */
function explain(error: NodeJS.ErrnoException, server: string): ConnectionError {
  return new ConnectionError(sentence(error, server), { cause: error })
}

function sentence(error: NodeJS.ErrnoException, server: string): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${server}: is the cluster started?`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host of ${server} is not known`
    case 'ECONNRESET':
    case 'EPIPE':
      return `the connection to ${server} broke before an answer came`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `the certificate of ${server} is not signed by the authority in the kubeconfig: was the cluster made anew?`
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${server} has expired`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${server} was issued for another name: ${error.message}`
    default:
      return `no answer from ${server}: ${error.message}`
  }
}
