/**
 * One API server, composed: registry and authorizer on a store, the HTTP layer in front of them. The store is opened and closed by the
 * caller, so that a test puts memory where a cluster has a file.
 *
 *     const server = await startApiserver({ store, clock, log, host: '127.0.0.1', port: 6443, tls, tokens, authenticate })
 *     await server.stop()
 */
import type { IncomingMessage } from 'node:http'
import type { ServerOptions as TlsOptions } from 'node:https'
import { isAlreadyExists } from '../lib/api/api-error.js'
import type { Kind } from '../lib/api/define-kind.js'
import { gatewayHostKey } from '../lib/api/gateway-host-key.js'
import { builtinKinds } from '../lib/api/kinds/index.js'
import { builtinNamespaces, Namespace } from '../lib/api/kinds/namespace.js'
import { Secret } from '../lib/api/kinds/secret.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import { admissionOf } from './admission-order.js'
import { type Access, createAccess } from './auth/access.js'
import { bootstrapContext } from './auth/bootstrap-context.js'
import { ensureBuiltinPolicy } from './auth/rbac/ensure-builtin-policy.js'
import { keepGathered } from './auth/rbac/keep-gathered.js'
import type { ServerTokens } from './auth/tokens/server-tokens.js'
import type { UserInfo } from './auth/user.js'
import { createExpressApp } from './http/express-app.js'
import { type HttpServer, listen } from './http/http-server.js'
import { type RequestLimitOptions, RequestLimits } from './http/request-limits.js'
import { ServerLife } from './http/server-life.js'
import { createServerMetrics } from './http/server-metrics.js'
import type { NodeStreamRoutes, ServerParts } from './http/server-parts.js'
import { WatchHub } from './http/watch/watch-hub.js'
import { createRegistry } from './registry/create-registry.js'
import type { Registry } from './registry/registry.js'
import type { Preparation } from './registry/registry-write.js'
import type { StrategySettings } from './registry/strategies/index.js'
import type { Store } from './storage/store.js'

export interface ApiserverOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Absent: plain HTTP, for tests and measurements. */
  readonly tls?: TlsOptions
  /** The tokens that it takes and gives. */
  readonly tokens: ServerTokens
  /** Who sent the request. Throws Unauthorized. */
  readonly authenticate: (request: IncomingMessage) => UserInfo
  readonly kinds?: readonly Kind[]
  /** Who may do what, where others need to know it too. Default: made here. */
  readonly access?: Access
  readonly preparations?: Readonly<Record<string, Preparation>>
  readonly settings?: StrategySettings
  readonly streams?: NodeStreamRoutes
  readonly limits?: RequestLimitOptions
}

export interface Apiserver {
  readonly port: number
  readonly registry: Registry
  /** New connections get this serving certificate. With TLS alone. */
  useTls(tls: TlsOptions): void
  /** Tells watches now at which revision the store is, of which they hear once a minute otherwise. */
  tellRevision(): void
  /** Says that it is not ready, lets requests end, ends watches a few at a time. `graceMs` is for whoever routes to it. */
  stop(graceMs?: number): Promise<void>
  /** Ends at once, as a crash would look to clients. */
  close(): Promise<void>
}

export async function startApiserver(options: ApiserverOptions): Promise<Apiserver> {
  const { store, clock, log, kinds = builtinKinds, access = createAccess(options.store) } = options
  const registry = createRegistry({
    store,
    kinds,
    clock,
    admission: admissionOf(store, kinds, access, options.settings),
    ...(options.preparations ? { preparations: options.preparations } : {}),
    ...(options.settings ? { settings: options.settings } : {}),
  })
  await createBuiltins(registry)
  await ensureBuiltinPolicy(registry, store)
  const stopGathering = await keepGathered({ policy: access.policy, store, log })
  const hub = new WatchHub({ store, registry, clock })
  const limits = new RequestLimits(options.limits)
  const life = new ServerLife()
  const metrics = createServerMetrics({
    watches: () => hub.size,
    delivered: () => hub.delivered,
    revision: () => store.revision,
    inFlight: () => limits.inFlight,
  })
  const parts: ServerParts = {
    store,
    registry,
    authorizer: access.authorizer,
    policy: access.policy,
    tokens: options.tokens,
    authenticate: options.authenticate,
    clock,
    log,
    hub,
    limits,
    metrics,
    streams: options.streams,
  }
  const server: HttpServer = await listen(parts, {
    host: options.host,
    port: options.port,
    app: createExpressApp(parts, life),
    life,
    ...(options.tls ? { tls: options.tls } : {}),
  })
  const end = async () => {
    await server.close()
    hub.close()
    stopGathering()
  }
  return {
    port: server.port,
    registry,
    useTls: server.useTls,
    tellRevision: () => hub.tellRevision(),
    async stop(graceMs = 0) {
      life.beginDraining()
      await new Promise((resolve) => setTimeout(resolve, graceMs))
      await server.drain()
      await end()
    },
    close: end,
  }
}

/** What every cluster has: namespaces, and an empty Secret for the gateways' host key, since no right to make Secrets ends at a name. */
async function createBuiltins(registry: Registry): Promise<void> {
  const create = async (declared: Pick<Kind, 'group' | 'version' | 'plural'>, namespace: string, value: object) => {
    const kind = registry.findKind(declared.group, declared.version, declared.plural)
    if (!kind) return
    await registry.create(kind, namespace, { value, duplicates: [] }, bootstrapContext).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
  for (const name of builtinNamespaces) await create(Namespace, '', { metadata: { name } })
  await create(Secret, gatewayHostKey.namespace, { metadata: { ...gatewayHostKey }, type: 'kubernetes.io/ssh-auth' })
}
