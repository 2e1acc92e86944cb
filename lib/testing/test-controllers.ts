/**
 * Controllers in a test: they run in this process, against the test's server, and can be killed and started
 * again like a process of their own. What each life of them remembers goes with it; variables outside of
 * `controller()` stay, unless the test declares them anew for each life.
 */
import type { Apiserver } from '../../apiserver/server.js'
import type { Store } from '../../apiserver/storage/store.js'
import type { Logger } from '../base/log.js'
import type { ClientConfig } from '../client/client-config.js'
import { clientOver } from '../client/create-client.js'
import { createTransport } from '../client/transport.js'
import type { Controller } from '../controller/controller.js'
import { type Duration, durationMs } from '../controller/duration.js'
import { type ControllersHost, type RunningControllers, startControllers } from '../controller/start-controllers.js'
import { createFaultyTransport, type FaultyTransport } from './faulty-transport.js'
import type { ManualClock } from './manual-clock.js'
import { Mishaps } from './mishaps.js'
import { messageOf, PassRecord } from './pass-record.js'

export interface TestControllersOptions {
  /** Called for each life. */
  readonly declare: () => readonly Controller[]
  /** Whom they act as. */
  readonly config: ClientConfig
  readonly clock: ManualClock
  readonly log: Logger
  readonly store: Store
  readonly server: Pick<Apiserver, 'tellRevision'>
  /** Throws what ends every wait. */
  readonly assert: () => void
}

/** From one start to the next kill. */
interface Life {
  readonly running: RunningControllers
  readonly transport: FaultyTransport
  readonly stop: AbortController
  /** Why it ended, if it was not ended. */
  failure: unknown
}

/** Nothing has been sent and no pass has begun for so long: what is waited for will not come. Real milliseconds. */
const patienceMs = 30_000

const mostRefusedWatches = 20
const retellAfterTurns = 50
const stillAfterTurns = 30

export class TestControllers {
  readonly mishaps = new Mishaps()
  readonly #options: TestControllersOptions
  readonly #passes = new PassRecord()
  #life: Life | undefined
  #lastChange = 'none'
  readonly #told = { revision: 0, turnsAgo: 0 }

  constructor(options: TestControllersOptions) {
    this.#options = options
    options.store.onCommit(({ changes }) => {
      const change = changes.at(-1)
      if (!change) return
      const { resource, namespace, name } = change.object.key
      this.#lastChange = `${change.type} ${resource} ${namespace && `${namespace}/`}${name}`
    })
  }

  get areRunning(): boolean {
    return this.#life !== undefined
  }

  start(): void {
    if (this.#life) return
    const { config, clock, log } = this.#options
    const transport = createFaultyTransport(createTransport(config, 'controllers'), this.mishaps, () => this.restart())
    const stop = new AbortController()
    const controllers = this.#options.declare().map((controller) => this.#passes.recorded(controller))
    const host: ControllersHost = {
      client: clientOver(transport, config),
      clock,
      log,
      frozenCache: true,
      reconnect: { initialMs: 1, maxMs: 1 },
    }
    const running = startControllers(controllers, host, stop.signal)
    const life: Life = { running, transport, stop, failure: undefined }
    running.finished.catch((error: unknown) => {
      life.failure = error
    })
    this.#life = life
  }

  /** As kill -9 does: what was sent may or may not be carried out, and nothing is sent any more. */
  kill(): void {
    this.#life?.transport.cutOff()
    this.#life?.stop.abort(new Error('the controllers were killed'))
    this.#life = undefined
  }

  restart(): void {
    this.kill()
    this.start()
  }

  breakWatches(): void {
    this.#life?.transport.breakWatches()
  }

  /**
   * Resolves when the controllers have nothing to do now. What waits for a time
   * does not count; what waits for a retry has been tried again.
   */
  async settle(): Promise<void> {
    this.#passes.begin()
    let activity = -1
    let activeAt = performance.now()
    for (let quietTurns = 0; quietTurns < 2; ) {
      this.#options.assert()
      const circle = this.#passes.circle(this.#lastChange)
      if (circle) throw new Error(`the controllers do not settle: ${circle}`)
      const now = this.#passes.total + this.mishaps.requests + this.#options.store.revision
      if (now !== activity) activeAt = performance.now()
      activity = now
      if (performance.now() - activeAt > patienceMs) throw new Error(`the controllers do not settle: ${this.#whatIsWaitedFor()}`)
      quietTurns = this.#hasSettled() ? quietTurns + 1 : 0
      await nextTurn()
    }
  }

  /** Resolves when so many further requests have been sent, or when none has come for a while. */
  async letWork(requests: number): Promise<void> {
    const enough = this.mishaps.requests + requests
    let before = this.mishaps.requests
    for (let stillTurns = 0; stillTurns < stillAfterTurns && before < enough; stillTurns++) {
      await nextTurn()
      const now = this.mishaps.requests
      if (now !== before || (this.#life?.transport.inFlight ?? 0) > 0) stillTurns = 0
      before = now
    }
  }

  /**
   * Lets time pass as it does: whatever waits for a moment acts at that moment, and all that follows from it is done before time goes on.
   */
  async advance(duration: Duration): Promise<void> {
    const { clock } = this.#options
    const end = clock.monotonic() + durationMs(duration)
    await this.settle()
    while (clock.monotonic() < end) {
      await clock.advance(Math.min(clock.untilNextTimerMs, end - clock.monotonic()))
      await this.settle()
    }
  }

  #hasSettled(): boolean {
    const { store } = this.#options
    if (!this.#life) throw new Error('the controllers are not running: start them with cluster.restart()')
    const { running, transport, failure } = this.#life
    if (failure !== undefined) throw new Error(`the controllers have ended by themselves: ${messageOf(failure)}`, { cause: failure })
    if (transport.refusedWatches.length >= mostRefusedWatches)
      throw new Error(`the controllers do not settle: the watch ${transport.refusedWatches[0]}, again and again`)
    if (!running.isIdle() || transport.inFlight > 0) return false
    const revision = String(store.revision)
    if (running.informers.every((informer) => informer.hasSeen(revision))) return true
    this.#tellRevision()
    return false
  }

  /** Watches hear of a revision in which nothing of theirs changed only once a minute, unless they are told. */
  #tellRevision(): void {
    if (this.mishaps.watchesAreHeld) throw new Error('the watches are held back: controllers cannot settle before cluster.releaseWatches()')
    const { store, server } = this.#options
    // Again after a while, for a watch that has been opened since.
    if (this.#told.revision === store.revision && ++this.#told.turnsAgo < retellAfterTurns) return
    Object.assign(this.#told, { revision: store.revision, turnsAgo: 0 })
    server.tellRevision()
  }

  #whatIsWaitedFor(): string {
    const { running, transport } = this.#life ?? {}
    const blind = running?.informers.filter((informer) => !informer.hasSynced).map(({ kind }) => kind.plural) ?? []
    const parts = [
      this.#passes.underWay(),
      `${transport?.inFlight ?? 0} requests are without an answer`,
      ...(blind.length > 0 ? [`there is no watch of ${blind.join(', ')}`] : []),
      'a pass that waits for the clock waits for ever: let it return requeueAfter',
    ]
    return parts.join('; ')
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
