import type { RequestLimitOptions } from '../../apiserver/http/request-limits.js'
import type { NodeStreamRoutes } from '../../apiserver/http/server-parts.js'
import type { Apiserver } from '../../apiserver/server.js'
import type { Store } from '../../apiserver/storage/store.js'
import type { Logger } from '../base/log.js'
import type { ClientConfig } from '../client/client-config.js'
import type { ManualClock } from './manual-clock.js'

/** A server of a test, and how users come in: over plain HTTP, or over TLS as in clusters. */
export interface TestDoor {
  readonly server: Apiserver
  readonly url: string
  /** What a client needs to be this user. */
  configOf(user: string, groups: readonly string[]): Promise<ClientConfig>
  close(): Promise<void>
}

export interface TestDoorOptions {
  readonly store: Store
  readonly clock: ManualClock
  readonly log: Logger
  readonly limits: RequestLimitOptions | undefined
  readonly streams: NodeStreamRoutes | undefined
  /** These users are nobody: 401. */
  readonly revoked: ReadonlySet<string>
}
