/**
 * Runs as containers of a Docker engine. Its one rule: the engine's list is the truth. Containers carry the run in their labels and their name, so
 * that an agent which starts anew finds them, and a create that crashed before anybody knew is found, not doubled; events only say when to look.
 */
import { availableParallelism } from 'node:os'
import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { backoffDelayMs } from '../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../lib/base/clock.js'
import {
  type Backend,
  BackendError,
  type BackendFeature,
  type BackendInfo,
  type LogLine,
  type LogOptions,
  type ObservedRun,
  type RunId,
  type RunSpec,
  type RunUsage,
} from '../backend.js'
import type { ExecOrder, ExecSession } from '../exec-session.js'
import { readNumaCpus } from '../numa.js'
import { logQuery, readContainerLogs } from './container-logs.js'
import { containerName, containerOptions, labels } from './container-options.js'
import { readContainerUsage } from './container-usage.js'
import { dialContainer } from './dial-container.js'
import { Engine, sayingOf, statusOf, unlessMissing } from './engine.js'
import { execInContainer } from './exec-in-container.js'
import { parseImageReference } from './image-reference.js'
import { observeContainer } from './observe-container.js'
import { openContainerExec } from './open-container-exec.js'
import { prepareImage } from './pull-image.js'
import { Semaphore } from './semaphore.js'

export interface DockerBackendOptions {
  readonly socketPath: string
  /** Names this agent for good: another agent's containers on the same engine are not ours. */
  readonly agent: string
  /** The engine's network that containers join. Default bridge. */
  readonly network?: string
}

const startsPerCore = 2
const questionsAtOnce = 16
const startDeadlineMs = 120_000
const imagesShown = 50

export class DockerBackend implements Backend {
  readonly name = 'docker'
  readonly features: ReadonlySet<BackendFeature> = new Set<BackendFeature>([
    'image',
    'mounts',
    'memoryLimit',
    'cpuLimit',
    'suspend',
    'privileged',
    'exec',
    'ports',
    'numa',
    'gpus',
  ])
  private readonly starts = new Semaphore(startsPerCore * availableParallelism())
  private readonly questions = new Semaphore(questionsAtOnce)
  private readonly closing = new AbortController()
  private readonly hints = new Set<() => void>()
  /** Containers as they were when last inspected in this state: what does not change is not asked again. */
  private readonly inspected = new Map<string, { readonly state: string; readonly run: ObservedRun }>()

  private constructor(
    private readonly engine: Engine,
    private readonly options: DockerBackendOptions,
  ) {}

  static async open(options: DockerBackendOptions): Promise<DockerBackend> {
    const backend = new DockerBackend(await Engine.open(options.socketPath), options)
    void backend.followEvents()
    return backend
  }

  async info(signal: AbortSignal): Promise<BackendInfo> {
    const common = { isolation: 'container', limits: 'enforced' } as const
    try {
      const version = await this.engine.call(signal, (options) => versionOf(this.docker, options))
      const images = await this.engine.call(signal, (options) => this.docker.listImages(options))
      const shown = images
        .map((image) => ({
          names: [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].filter((name) => !name.includes('<none>')),
          sizeBytes: image.Size,
        }))
        .filter(({ names }) => names.length > 0)
        .sort((a, b) => b.sizeBytes - a.sizeBytes)
      return { ...common, available: true, version: version.Version, images: shown.slice(0, imagesShown) }
    } catch (error) {
      if (signal.aborted) throw error
      return { ...common, available: false, message: sayingOf(error) }
    }
  }

  async observe(signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]> {
    const label = [`${labels.agent}=${this.options.agent}`, ...(uid === undefined ? [] : [`${labels.uid}=${uid}`])]
    const listed = await this.engine.call(signal, (options) => this.docker.listContainers({ ...options, all: true, filters: { label } }))
    if (uid === undefined) {
      const there = new Set(listed.map(({ Id }) => Id))
      for (const known of this.inspected.keys()) if (!there.has(known)) this.inspected.delete(known)
    }
    const runs = await Promise.all(listed.map((container) => this.observeListed(container, signal)))
    return runs.filter((run) => run !== undefined)
  }

  async usage(signal: AbortSignal, uid?: string): Promise<readonly RunUsage[]> {
    const running = (await this.observe(signal, uid)).filter(({ state }) => state === 'running' || state === 'paused')
    const counted = await Promise.all(
      running.map(async ({ id, namespace, name }) => {
        const counters = await this.questions.run(signal, () => readContainerUsage(this.engine, this.container(id), signal))
        return counters && { id, namespace, name, ...counters }
      }),
    )
    return counted.filter((usage) => usage !== undefined)
  }

  subscribe(onHint: () => void): () => void {
    this.hints.add(onHint)
    return () => this.hints.delete(onHint)
  }

  prepareImage(
    image: string,
    policy: 'Always' | 'IfNotPresent' | 'Never',
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return prepareImage(this.engine, image, policy, onProgress, signal)
  }

  start(run: RunSpec, signal: AbortSignal): Promise<void> {
    parseImageReference(run.spec.image ?? '')
    for (const { volume, target } of run.mounts)
      if (!target?.startsWith('/')) throw new BackendError('Unsupported', `the volume "${volume}" needs an absolute mountPath`, false)
    return this.starts.run(signal, () => this.createAndStart(run, signal))
  }

  async stop(id: RunId, graceMs: number, signal: AbortSignal): Promise<void> {
    const container = await this.inspect(id, signal)
    if (!container?.State.Running) return
    if (container.State.Paused) await this.resume(id, signal)
    const graceSeconds = Math.ceil(graceMs / 1000)
    await this.unlessIdle((options) => this.container(id).stop({ ...options, t: graceSeconds }), signal, graceMs + startDeadlineMs)
  }

  pause(id: RunId, signal: AbortSignal): Promise<void> {
    return this.unlessIdle((options) => this.container(id).pause(options), signal)
  }

  resume(id: RunId, signal: AbortSignal): Promise<void> {
    return this.unlessIdle((options) => this.container(id).unpause(options), signal)
  }

  async remove(id: RunId, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.engine.call(signal, (options) => this.container(id).remove({ ...options, force: true, v: true }), startDeadlineMs)
        return
      } catch (error) {
        if (statusOf(error) === 404) return
        // 409: its removal is under way.
        if (statusOf(error) !== 409) throw error
        await sleep(systemClock, 100, signal)
      }
    }
  }

  exec(id: RunId, command: readonly string[], signal: AbortSignal): Promise<{ exitCode: number; output: string }> {
    return execInContainer(this.engine, this.container(id), command, signal)
  }

  openExec(id: RunId, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    return openContainerExec(this.engine, this.container(id), order, signal)
  }

  async dialPort(id: RunId, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    const container = await this.inspect(id, signal)
    if (!container?.State.Running) throw new BackendError('StartFailed', 'the task is not running', true)
    return dialContainer(container, port, protocol, signal)
  }

  async *logs(id: RunId, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const path = `/containers/${encodeURIComponent(containerName(id))}/logs?`
    const stream = await unlessMissing(this.engine.call(signal, (call) => this.dial(path, logQuery(options), call)))
    if (!stream) return
    const stop = () => stream.destroy()
    signal.addEventListener('abort', stop, { once: true })
    try {
      yield* readContainerLogs(stream)
      signal.throwIfAborted()
    } finally {
      signal.removeEventListener('abort', stop)
      stream.destroy()
    }
  }

  async close(): Promise<void> {
    this.closing.abort()
  }

  private get docker(): Docker {
    return this.engine.docker
  }

  private container(id: RunId): Docker.Container {
    return this.docker.getContainer(containerName(id))
  }

  private inspect(id: RunId, signal: AbortSignal): Promise<Docker.ContainerInspectInfo | undefined> {
    return unlessMissing(this.engine.call(signal, (options) => this.container(id).inspect(options)))
  }

  private async createAndStart(run: RunSpec, signal: AbortSignal): Promise<void> {
    const present = await this.inspect(run.id, signal)
    if (present && observeContainer(present)?.state !== 'created') return
    if (!present) await this.create(run, signal)
    try {
      await this.unlessIdle((options) => this.container(run.id).start(options), signal, startDeadlineMs)
    } catch (error) {
      if (error instanceof BackendError || statusOf(error) === undefined) throw error
      const left = await this.inspect(run.id, signal)
      if (left && observeContainer(left)?.state === 'exited') return
      throw describeStartFailure(error)
    } finally {
      this.hint()
    }
  }

  private async create(run: RunSpec, signal: AbortSignal): Promise<void> {
    const numaCpus = run.numaNode === undefined ? undefined : await readNumaCpus(run.numaNode)
    if (run.numaNode !== undefined && numaCpus === undefined)
      throw new BackendError('Unsupported', `the node has no NUMA node ${run.numaNode}`, false)
    const wanted = containerOptions(run, this.options.agent, this.options.network ?? 'bridge', numaCpus)
    try {
      await this.engine.call(signal, (options) => this.docker.createContainer({ ...wanted, ...options }), startDeadlineMs)
    } catch (error) {
      if (error instanceof BackendError) throw error
      const said = sayingOf(error)
      // 409: an earlier create, whose answer nobody heard, made it.
      if (statusOf(error) === 409 && said.includes('already in use')) return
      if (statusOf(error) === 404 && said.toLowerCase().includes('no such image'))
        throw new BackendError('ImageNotFound', said, true, { cause: error })
      throw new BackendError('CreateFailed', `the container could not be made: ${said}`, true, { cause: error })
    }
  }

  private async observeListed(listed: Docker.ContainerInfo, signal: AbortSignal): Promise<ObservedRun | undefined> {
    const known = this.inspected.get(listed.Id)
    if (known?.state === listed.State && listed.State !== 'created') return known.run
    const container = await unlessMissing(this.engine.call(signal, (options) => this.docker.getContainer(listed.Id).inspect(options)))
    const run = container && observeContainer(container)
    if (container && run) this.inspected.set(listed.Id, { state: container.State.Status, run })
    return run
  }

  /** 304: it is so already; 404 and 409: it is not there or in no state for it. What is then the case, the next look shows. */
  private async unlessIdle(
    act: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
    signal: AbortSignal,
    deadlineMs?: number,
  ): Promise<void> {
    try {
      await this.engine.call(signal, act, deadlineMs)
    } catch (error) {
      if (![304, 404, 409].includes(statusOf(error) ?? 0)) throw error
    }
  }

  /** A stream of the engine that dockerode would read whole. */
  private dial(path: string, query: Record<string, string>, { abortSignal }: { abortSignal: AbortSignal }): Promise<EngineStream> {
    const statusCodes = { 200: true, 404: 'no such container', 500: 'server error' }
    const request = { path, options: query, method: 'GET', isStream: true, abortSignal, statusCodes }
    return new Promise((resolve, reject) => {
      this.docker.modem.dial(request, (error: unknown, stream: unknown) => (error ? reject(error) : resolve(stream as EngineStream)))
    })
  }

  private hint(): void {
    for (const onHint of this.hints) onHint()
  }

  /** Events are hints. Their stream may die without a word, so it is opened anew now and then, and nobody relies on it. */
  private async followEvents(): Promise<void> {
    const { signal } = this.closing
    for (let failures = 0; !signal.aborted; ) {
      const renewal = AbortSignal.any([signal, AbortSignal.timeout(300_000)])
      try {
        const filters = { type: ['container'], label: [`${labels.agent}=${this.options.agent}`] }
        const events = (await this.docker.getEvents({ filters, abortSignal: renewal } as Docker.GetEventsOptions)) as NodeJS.ReadableStream
        failures = 0
        this.hint()
        for await (const chunk of events) {
          // The engine's list may lag behind its events; a container that is inspected does not.
          for (const [, id = ''] of chunk.toString().matchAll(/"id":"([0-9a-f]{64})"/g)) this.inspected.delete(id)
          this.hint()
        }
      } catch {
        // The engine is not there, or the stream ended; relisting goes on meanwhile.
      }
      if (!signal.aborted) await sleep(systemClock, backoffDelayMs(failures++, { initialMs: 500, maxMs: 30_000 }), signal).catch(() => {})
    }
  }
}

type EngineStream = AsyncIterable<Buffer> & { destroy(): void }

/** dockerode's types know this call with a callback alone. */
function versionOf(docker: Docker, options: object): Promise<Docker.DockerVersion> {
  return (docker.version as (options: object) => Promise<Docker.DockerVersion>).call(docker, options)
}

function describeStartFailure(error: unknown): BackendError {
  const said = sayingOf(error)
  const isPort = /port is already allocated|address already in use/.test(said)
  return new BackendError(isPort ? 'PortTaken' : 'StartFailed', `the container could not be started: ${said}`, true, { cause: error })
}
