/**
 * How to talk to a cluster.
 *
 *     const { config } = await loadKubeconfig({ env, home })
 *     const client = createClient(config, { userAgent: 'millrace-scheduler/0.1.0' })
 *     const task = await client.of(Task).get({ namespace: 'default', name: 'hello' })
 *
 * The rule: a write whose outcome is unknown is the caller's to look into; it is never sent twice.
 */
import type { Kind } from '../api/define-kind.js'
import { type Clock, systemClock } from '../base/clock.js'
import type { Client, EventStream, KindClient, RawRequest } from './client.js'
import type { ClientConfig } from './client-config.js'
import { createKindClient } from './kind-client.js'
import { sendRequest } from './send-request.js'
import { createTransport, type Transport } from './transport.js'

export interface CreateClientOptions {
  /** Sent with each request; shown in the history of objects as who changed them. */
  readonly userAgent?: string
  /** How long a request may take, retries included, milliseconds. Watches and streamed logs are exempt. Default 30 000. */
  readonly timeoutMs?: number
  /** Called with each warning that the server adds to an answer, and when a token cannot be renewed. */
  readonly onWarning?: (text: string) => void
  /** How long a watch may be silent before it counts as broken, milliseconds. Default 45 000: three of the server's comments. */
  readonly watchdogMs?: number
  /**
   * Whether a ServiceAccount's token that ends is replaced at about half of its life, here and in the kubeconfig that it came from; its
   * account needs the right to. Default true. Not where a `tokenFile` is given, which others renew, nor while impersonating.
   */
  readonly renewToken?: boolean
  /** For the renewal. Default: the machine's. */
  readonly clock?: Clock
}

/** Opens nothing yet: the first request connects. */
export function createClient(config: ClientConfig, options: CreateClientOptions = {}): Client {
  return clientOver(createTransport(config, options.userAgent ?? 'millrace-client'), config, options)
}

/** A client that sends everything by this transport, and closes it. */
export function clientOver(
  transport: Transport,
  config: Pick<ClientConfig, 'server' | 'namespace'>,
  options: Omit<CreateClientOptions, 'userAgent'> = {},
): Client {
  const { timeoutMs = 30_000, watchdogMs = 45_000, onWarning } = options
  const server = config.server.replace(/\/+$/, '')
  const raw = (request: RawRequest) => sendRequest(transport, request, { server, timeoutMs: request.timeoutMs ?? timeoutMs, onWarning })
  const closing = new AbortController()
  if (options.renewToken !== false && isRenewable(config)) {
    const { token, tokenPlace: place } = config
    const { clock = systemClock } = options
    const keeping = { token, place, send: raw, use: transport.useToken, clock, warn: onWarning ?? (() => undefined) }
    // Loaded by those alone who bear such a token.
    void import('./token/keep-token-fresh.js').then(({ keepTokenFresh }) => keepTokenFresh(keeping, closing.signal))
  }

  return {
    server,
    raw,
    of: <K extends Kind>(kind: K): KindClient<K> => createKindClient(kind, raw, config.namespace ?? 'default'),
    // Loaded when they are first asked for, as streams are: most programs use neither.
    channels: async (path, signal) => (await import('./open-channels.js')).openChannels(transport, path, { timeoutMs, signal }),
    stream(path, receiver) {
      let stream: EventStream | undefined
      let closed = false
      import('./watch/event-stream.js').then(
        ({ openEventStream }) => {
          if (!closed) stream = openEventStream({ transport, server, path, watchdogMs }, receiver)
        },
        (error: Error) => receiver.end(error),
      )
      return {
        close() {
          closed = true
          stream?.close()
        },
      }
    },
    bind: async (kind, bindings, signal) => {
      const response = await raw({
        method: 'POST',
        path: `/apis/${bindingGroup}/bindings`,
        body: {
          apiVersion: bindingGroup,
          kind: 'BindingList',
          resource: kind.plural,
          items: bindings.map(({ namespace, name, nodeName, uid }) => ({
            metadata: { namespace, name, ...(uid === undefined ? {} : { uid }) },
            target: { kind: 'Node', name: nodeName },
          })),
        },
        ...(signal === undefined ? {} : { signal }),
      })
      const result = JSON.parse(await response.text()) as { items: Awaited<ReturnType<Client['bind']>> }
      return result.items
    },
    async close() {
      closing.abort()
      transport.close()
    },
  }
}

/** Whether the token may be a ServiceAccount's: a JSON Web Token begins so. */
function isRenewable(config: ClientConfig): config is ClientConfig & { token: string } {
  return config.token?.startsWith('eyJ') === true && config.tokenFile === undefined && config.impersonate === undefined
}

const bindingGroup = 'millrace.dev/v1'
