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
import type { Controller } from '../controller/controller.js'
import type { Duration } from '../controller/duration.js'
import type { Failure } from './failure.js'
import { controllersGroups, controllersUser, grantRights } from './grant-rights.js'
import { installKinds, kindsOfControllers } from './install-kinds.js'
import { Invariants } from './invariants.js'
import { ManualClock } from './manual-clock.js'
import type { OrderedFailure } from './mishaps.js'
import { openPlainDoor } from './plain-door.js'
import { type Snapshot, snapshotNow } from './snapshot.js'
import { TestControllers } from './test-controllers.js'
import type { TestDoor, TestDoorOptions } from './test-door.js'

/** What a test may choose. */
export interface TestClusterOptions {
  /**
   * They run beside the test, over the API, until the cluster is closed. A function is called for each
   * of their lives: what it makes anew does not survive a restart.
   */
  readonly controllers?: readonly Controller[] | (() => readonly Controller[])
  /** What the controllers may do: what they declare (`rights` included), or everything. Default `declared`. */
  readonly rights?: 'declared' | 'all'
  /**
   * Kinds of users, beside those that the controllers name: they come in as
   * CustomResourceDefinitions, through the API, and are served when the cluster is there.
   */
  readonly kinds?: readonly Kind[]
  /** Default false: plain HTTP, and the user is who the bearer token says (`NAME[,GROUP…]`, or a ServiceAccount's), admin without one. */
  readonly tls?: boolean
  /** Default: one that stands at the beginning of 2026. */
  readonly clock?: ManualClock
  /** Where the server and the controllers log. Default: nowhere. */
  readonly log?: Logger
  /** Of the server, for tests of what happens beyond them. */
  readonly limits?: RequestLimitOptions
  /** Over plain HTTP alone; with TLS the real ones are there. */
  readonly streams?: NodeStreamRoutes
}

/** A server, its store and its time, and controllers beside it. */
export interface TestCluster extends AsyncDisposable {
  /** As http://127.0.0.1:41234. */
  readonly url: string
  /** The time of the server and the controllers. `advance` moves it and settles; `clock.advance` waits for nobody. */
  readonly clock: ManualClock
  /** What the server is made of: for tests of the server itself. */
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
   * Resolves when the controllers have nothing to do now: they have seen every change, and no pass is under way, due or to be retried. What
   * waits for a time (`requeueAfter`) waits for `advance`. Rejects when there is no end to it, and says what keeps coming back.
   */
  settle(): Promise<void>
  /** Lets time pass: what waits for a moment acts at that moment, and all that follows is settled before time goes on. */
  advance(duration: Duration): Promise<void>
  /** Lets requests of the controllers fail, the next one unless the failure says otherwise. */
  fail(failure: Failure): OrderedFailure
  /** Nothing that was ordered by `fail` or `holdWatches` happens any more. */
  clearFailures(): void
  /** Breaks the watches of the controllers; they are opened again. */
  breakWatches(): void
  /**
   * From now on the controllers are told nothing: they work with what they know,
   * until `releaseWatches`, or until they have sent so many requests.
   */
  holdWatches(requests?: number): void
  releaseWatches(): void
  /** Kills the controllers as kill -9 does. Nothing of their memory survives; what they had asked for may or may not happen. */
  kill(): void
  /** Starts the controllers, unless they run. */
  start(): void
  /** Kills the controllers if they run, and starts them again. */
  restart(): void
  /** Resolves when the controllers have sent so many further requests, or none for a while: to do something in the middle of their work. */
  letWork(requests: number): Promise<void>
  /** All objects as they are now, without asking the server. */
  snapshot(): Snapshot
  /**
   * Looks at every revision from now on, also at those that were committed together; `check` throws when something is wrong. `settle` then
   * rejects with what it threw first, and says at which revision; so does `close`, where nobody has been told before.
   */
  always(check: (snapshot: Snapshot) => void): void
  /** Ends everything at once; `await using` calls it. */
  close(): Promise<void>
}

/** Resolves when the server answers, the kinds are served and the controllers have been started. */
export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const {
    clock = new ManualClock(),
    log = silentLogger,
    limits,
    streams,
    kinds = [],
    controllers: given = [],
    rights = 'declared',
  } = options
  const store = await openMemoryStore({ clock, policyOf: (group, resource) => kindOfResource.get(`${group}/${resource}`) })
  const revoked = new Set<string>()
  const openDoor = options.tls ? openSecureDoor : openPlainDoor
  const { url, server, configOf, close: closeDoor } = await openDoor({ store, clock, log, limits, streams, revoked })
  const admin = await configOf('admin', [mastersGroup])
  const client = createClient(admin, { userAgent: 'test' })
  const invariants = new Invariants(store, server.registry)
  const declare = typeof given === 'function' ? given : () => given
  const config = rights === 'all' ? admin : await configOf(controllersUser, controllersGroups)
  const controllers = new TestControllers({ declare, config, clock, log, store, server, assert: () => invariants.assert() })
  const close = async () => {
    controllers.kill()
    await client.close()
    await closeDoor()
    await store.close()
    invariants.assertTold()
  }
  const declared = declare()
  await installKinds(client, kindsOfControllers(declared, kinds))
  if (rights === 'declared') await grantRights(client, declared)
  if (declared.length > 0) controllers.start()
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
    settle: () => controllers.settle(),
    advance: (duration) => controllers.advance(duration),
    fail: (failure) => controllers.mishaps.order(failure),
    clearFailures: () => controllers.mishaps.clear(),
    breakWatches: () => controllers.breakWatches(),
    holdWatches: (requests) => controllers.mishaps.holdWatches(requests),
    releaseWatches: () => controllers.mishaps.releaseWatches(),
    kill: () => controllers.kill(),
    start: () => controllers.start(),
    restart: () => controllers.restart(),
    letWork: (requests) => controllers.letWork(requests),
    snapshot: () => snapshotNow(store),
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
