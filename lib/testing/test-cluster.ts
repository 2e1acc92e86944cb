/**
 * The real API server inside a test, on memory storage, with a clock that the test moves. Only transport timers are real.
 *
 *     await using cluster = await testCluster()
 *     await cluster.client.of(Task).create({ metadata: { name: 'hello' }, spec: { command: ['true'] } })
 *     await cluster.clock.advance(60_000)
 *
 * The first one of a process takes as long as loading and compiling do; the next ones are there in a few milliseconds.
 */
import { mastersGroup } from '../../apiserver/auth/user.js'
import type { RequestLimitOptions } from '../../apiserver/http/request-limits.js'
import type { NodeStreamRoutes } from '../../apiserver/http/server-parts.js'
import type { Registry } from '../../apiserver/registry/registry.js'
import type { Apiserver } from '../../apiserver/server.js'
import { openMemoryStore } from '../../apiserver/storage/open-memory-store.js'
import type { Store } from '../../apiserver/storage/store.js'
import type { Kind } from '../api/define-kind.js'
import { builtinKinds } from '../api/kinds/index.js'
import { type Logger, silentLogger } from '../base/log.js'
import type { Client } from '../client/client.js'
import type { ClientConfig } from '../client/client-config.js'
import { createClient } from '../client/create-client.js'
import { installKinds } from './install-kinds.js'
import { Invariants } from './invariants.js'
import { ManualClock } from './manual-clock.js'
import { openPlainDoor } from './plain-door.js'
import type { Snapshot } from './snapshot.js'
import type { TestDoor, TestDoorOptions } from './test-door.js'

export interface TestClusterOptions {
  /** Kinds of users: they come in as CustomResourceDefinitions, through the API, and are served when the cluster is there. */
  readonly kinds?: readonly Kind[]
  /** Default false: plain HTTP, and the user is who the bearer token says (`NAME[,GROUP…]`, or a ServiceAccount's), admin without one. */
  readonly tls?: boolean
  readonly clock?: ManualClock
  readonly log?: Logger
  readonly limits?: RequestLimitOptions
  /** Over plain HTTP alone; with TLS the real ones are there. */
  readonly streams?: NodeStreamRoutes
}

export interface TestCluster extends AsyncDisposable {
  /** As http://127.0.0.1:41234. */
  readonly url: string
  readonly clock: ManualClock
  readonly store: Store
  readonly registry: Registry
  readonly server: Apiserver
  /** May do everything. */
  readonly client: Client
  /** For clients of one's own that may do everything. */
  readonly admin: ClientConfig
  /** A config for any other user; with TLS, its certificate is made here. */
  configOf(user: string, groups?: readonly string[]): Promise<ClientConfig>
  /** From now on this user is nobody: 401. */
  revoke(user: string): void
  /**
   * Looks at every revision from now on, also at those that were committed together; `check` throws when something is wrong. `close` then rejects with what it
   * threw first, and says at which revision.
   */
  always(check: (snapshot: Snapshot) => void): void
  close(): Promise<void>
}

export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { clock = new ManualClock(), log = silentLogger, limits, streams } = options
  const store = await openMemoryStore({ clock, policyOf: (group, resource) => kindOfResource.get(`${group}/${resource}`) })
  const revoked = new Set<string>()
  const openDoor = options.tls ? openSecureDoor : openPlainDoor
  const { url, server, configOf, close: closeDoor } = await openDoor({ store, clock, log, limits, streams, revoked })
  const admin = await configOf('admin', [mastersGroup])
  const client = createClient(admin, { userAgent: 'test' })
  const invariants = new Invariants(store, server.registry)
  const close = async () => {
    await client.close()
    await closeDoor()
    await store.close()
    invariants.assert()
  }
  await installKinds(client, options.kinds ?? [])
  return {
    url,
    clock,
    store,
    registry: server.registry,
    server,
    client,
    admin,
    configOf: (user, groups = []) => configOf(user, groups),
    revoke: (user) => void revoked.add(user),
    always: (check) => invariants.add(check),
    close,
    [Symbol.asyncDispose]: close,
  }
}

const kindOfResource = new Map(builtinKinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))

async function openSecureDoor(options: TestDoorOptions): Promise<TestDoor> {
  const secure = await import('./secure-door.js')
  return secure.openSecureDoor(options)
}
