/**
 * Runs as containers of a Docker engine. Its one rule: the engine's list is the truth. Containers carry the run in
 * their labels and their name, so that an agent which starts anew finds them, and a create that crashed before
 * anybody knew is found, not doubled; events only say when to look.
 */
import { availableParallelism } from 'node:os'
import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
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
import { Hints } from '../hints.js'
import { readNumaCpus } from '../numa.js'
import { Semaphore } from '../semaphore.js'
import { followContainerEvents } from './containers/container-events.js'
import { followContainerLogs } from './containers/container-logs.js'
import { containerName, containerOptions, labels } from './containers/container-options.js'
import { readContainerUsage } from './containers/container-usage.js'
import { removeContainer, stopContainer } from './containers/end-container.js'
import { EngineNetworks } from './containers/engine-networks.js'
import { makeContainer, startDeadlineMs, startFailure } from './containers/make-container.js'
import { MemoryEnds } from './containers/memory-ends.js'
import { observeContainer } from './containers/observe-container.js'
import { Engine, isIdle, unlessIdle, unlessMissing } from './engine/engine.js'
import { engineInfo } from './engine/engine-info.js'
import { statusOf } from './engine/engine-refusal.js'
import { parseImageReference } from './engine/image-reference.js'
import { prepareImage } from './engine/pull-image.js'
import { ContainerDoors } from './sessions/container-doors.js'
import { execInContainer } from './sessions/exec-in-container.js'
import { openContainerExec } from './sessions/open-container-exec.js'

export interface DockerBackendOptions {
  readonly socketPath: string
  /** Names this agent for good: another agent's containers on the same engine are not ours. */
  readonly agent: string
  /** The engine's network that containers join. Default bridge. */
  readonly network?: string
}

const startsPerCore = 2
const questionsAtOnce = 16

export class DockerBackend implements Backend {
  readonly name = 'docker'
  readonly isolation = 'container'
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
    'addresses',
  ])
  private readonly starts = new Semaphore(startsPerCore * availableParallelism())
  private readonly questions = new Semaphore(questionsAtOnce)
  private readonly closing = new AbortController()
  private readonly doors = new ContainerDoors()
  private readonly hints = new Hints()
  private readonly memoryEnds = new MemoryEnds()
  /** Containers as they were when last inspected in this state: what does not change is not asked again. */
  private readonly inspected = new Map<string, { readonly state: string; readonly run: ObservedRun }>()

  private readonly networks: EngineNetworks

  private constructor(
    private readonly engine: Engine,
    private readonly options: DockerBackendOptions,
  ) {
    this.networks = new EngineNetworks(engine, options.agent)
  }

  static async open(options: DockerBackendOptions): Promise<DockerBackend> {
    const backend = new DockerBackend(await Engine.open(options.socketPath), options)
    void followContainerEvents(backend.engine, options.agent, 'Task', (ids) => backend.onEvents(ids), backend.closing.signal)
    return backend
  }

  info(signal: AbortSignal): Promise<BackendInfo> {
    return engineInfo(this.engine, signal)
  }

  async observe(signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]> {
    const label = [`${labels.agent}=${this.options.agent}`, `${labels.kind}=Task`, ...(uid === undefined ? [] : [`${labels.uid}=${uid}`])]
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
    return this.hints.subscribe(onHint)
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

  stop(id: RunId, graceMs: number, signal: AbortSignal): Promise<void> {
    return stopContainer(this.engine, containerName(id), graceMs, signal)
  }

  pause(id: RunId, signal: AbortSignal): Promise<void> {
    return unlessIdle(this.engine, (options) => this.container(id).pause(options), signal)
  }

  resume(id: RunId, signal: AbortSignal): Promise<void> {
    return unlessIdle(this.engine, (options) => this.container(id).unpause(options), signal)
  }

  remove(id: RunId, signal: AbortSignal): Promise<void> {
    return removeContainer(this.engine, containerName(id), signal)
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
    return this.doors.dial(container, port, protocol, signal)
  }

  logs(id: RunId, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    return followContainerLogs(this.engine, containerName(id), options, signal)
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.doors.close()
    await this.memoryEnds.close()
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
    await this.networks.join(run.address, signal)
    if (!present) await this.create(run, signal)
    try {
      await this.engine.call(signal, (options) => this.container(run.id).start(options), startDeadlineMs)
    } catch (error) {
      if (!this.networks.isLost(run.address, error) && isIdle(error)) return
      if (error instanceof BackendError || statusOf(error) === undefined) throw error
      const left = await this.inspect(run.id, signal)
      if (left && observeContainer(left)?.state === 'exited') return
      throw startFailure(error)
    } finally {
      this.hints.give()
    }
  }

  private async create(run: RunSpec, signal: AbortSignal): Promise<void> {
    const numaCpus = run.numaNode === undefined ? undefined : await readNumaCpus(run.numaNode)
    if (run.numaNode !== undefined && numaCpus === undefined)
      throw new BackendError('Unsupported', `the node has no NUMA node ${run.numaNode}`, false)
    const wanted = containerOptions(run, this.options.agent, this.options.network ?? 'bridge', numaCpus)
    await makeContainer(this.engine, wanted, signal)
  }

  private async observeListed(listed: Docker.ContainerInfo, signal: AbortSignal): Promise<ObservedRun | undefined> {
    const known = this.inspected.get(listed.Id)
    if (known?.state === listed.State && listed.State !== 'created') return known.run
    const container = await unlessMissing(this.engine.call(signal, (options) => this.docker.getContainer(listed.Id).inspect(options)))
    const run = container && observeContainer(await this.withMemoryEnd(container))
    if (container && run) this.inspected.set(listed.Id, { state: container.State.Status, run })
    return run
  }

  private async withMemoryEnd(container: Docker.ContainerInspectInfo): Promise<Docker.ContainerInspectInfo> {
    const { Id, State, HostConfig } = container
    if (State.Running || State.ExitCode === 0 || State.OOMKilled || !HostConfig.Memory) return container
    return { ...container, State: { ...State, OOMKilled: await this.memoryEnds.has(Id) } }
  }

  /** The engine's list may lag behind its events; a container that is inspected does not. */
  private onEvents(ids: readonly string[]): void {
    for (const id of ids) this.inspected.delete(id)
    this.hints.give()
  }
}
