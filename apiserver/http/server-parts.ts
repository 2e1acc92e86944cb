import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Kind } from '../../lib/api/define-kind.js'
import type { NodeStats } from '../../lib/api/node-stats.js'
import type { TunnelCountsOfGateway } from '../../lib/api/tunnel-stats.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { AccessRequest, Authorizer } from '../auth/authorizer.js'
import type { RbacPolicy } from '../auth/rbac/rbac-policy.js'
import type { ServerTokens } from '../auth/tokens/server-tokens.js'
import type { UserInfo } from '../auth/user.js'
import type { Registry } from '../registry/registry.js'
import type { Store } from '../storage/store.js'
import type { RequestLimits } from './request-limits.js'
import type { ServerMetrics } from './server-metrics.js'
import type { WatchHub } from './watch/watch-hub.js'

/** What the HTTP layer stands on. Nothing here is reached from elsewhere: no side door. */
export interface ServerParts {
  readonly store: Store
  readonly registry: Registry
  readonly authorizer: Authorizer
  readonly policy: RbacPolicy
  readonly tokens: ServerTokens
  /** Who sent the request. Throws Unauthorized. */
  readonly authenticate: (request: IncomingMessage) => UserInfo
  readonly clock: Clock
  readonly log: Logger
  readonly hub: WatchHub
  readonly limits: RequestLimits
  readonly metrics: ServerMetrics
  readonly streams: NodeStreamRoutes | undefined
}

/** Whose log is asked for, and as what: a log that is asked for through a view is judged as that. */
export interface LogTarget {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  /** What the reader must be allowed, now and for as long as the log is read. */
  readonly access: AccessRequest
}

/** Subresources that are conversations over an upgraded connection. */
const sessionTypes = ['exec', 'attach', 'portforward', 'console'] as const
export type SessionType = (typeof sessionTypes)[number]

export function isSession(subresource: string): subresource is SessionType {
  return (sessionTypes as readonly string[]).includes(subresource)
}

/** A session that is asked for. */
export interface SessionTarget {
  readonly type: SessionType
  /** Task or Vps. */
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly query: URLSearchParams
  /** The one name that the parameter `container` may have; without one the parameter is refused. */
  readonly container?: string
  /** Whether the caller still may. Throws when it is nobody any more. */
  readonly isAllowed: () => boolean
}

/** The content of a VpsSnapshot that is asked for. */
export interface SnapshotTarget {
  readonly namespace: string
  readonly name: string
  /** The header of that name. */
  readonly range: string | undefined
  /** Whether the caller still may. Throws when it is nobody any more. */
  readonly isAllowed: () => boolean
}

/** What an agent is asked about load: its machine, all its workloads, or one of them. */
export type StatsQuestion =
  | { readonly of: 'machine' }
  | { readonly of: 'workloads' }
  | {
      readonly of: 'workload'
      readonly kind: string
      readonly namespace: string
      readonly name: string
      readonly uid: string
      readonly attempt: number
    }

/** What needs a stream to a node. */
export interface NodeStreamRoutes {
  /** Answers a log request; rejects with an ApiError while nothing was sent. */
  streamLog(target: LogTarget, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Sends the content of a snapshot, from a byte on; rejects with an ApiError while nothing was sent. Authorization is done before. */
  streamSnapshot(target: SnapshotTarget, response: ServerResponse): Promise<void>
  /**
   * Upgrades the client's connection and carries the session; rejects with an
   * ApiError while nothing was sent. Authorization is done before.
   */
  openSession(target: SessionTarget, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /** How loaded a node or its workloads are; undefined where its agent is not connected or does not answer. Never rejects. */
  readStats(node: string, question: StatsQuestion): Promise<NodeStats | undefined>
  /** Takes over the connection of a node's agent. Authorization is done before. */
  handleUpgrade(nodeName: string, request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** What the gateways have counted of a Tunnel, by the gateway's name. Rejects with ServiceUnavailable when none is connected. */
  tunnelCounts(namespace: string, name: string, signal: AbortSignal): Promise<readonly TunnelCountsOfGateway[]>
  /** Takes over the connection of a gateway. Authorization is done before; `isAllowed` throws when the caller is nobody any more. */
  handleGateway(name: string, upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }, isAllowed: () => boolean): void
}
