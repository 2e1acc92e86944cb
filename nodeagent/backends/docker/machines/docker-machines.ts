/**
 * Machines as containers of a Docker engine. Its one rule: the container is the disk. It is made once, kept over stops, and only a restore replaces it,
 * by one that is whole before the old one goes. The engine starts none by itself: the agent decides.
 */
import { availableParallelism } from 'node:os'
import { type Duplex, Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Vps } from '../../../../lib/api/kinds/vps.js'
import { BackendError, type BackendInfo, type LogLine } from '../../backend.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import { Hints } from '../../hints.js'
import type {
  DiskSource,
  MachineBackend,
  MachineFeature,
  MachineSpec,
  MachineUsage,
  ObservedMachine,
  ObservedSnapshot,
} from '../../machine-backend.js'
import { readNumaCpus } from '../../numa.js'
import { resolvePullPolicy } from '../../pull-policy.js'
import { Semaphore } from '../../semaphore.js'
import { followContainerEvents } from '../containers/container-events.js'
import { followContainerLogs } from '../containers/container-logs.js'
import { labels } from '../containers/container-options.js'
import { readContainerUsage } from '../containers/container-usage.js'
import { removeContainer, stopContainer } from '../containers/end-container.js'
import { EngineNetworks } from '../containers/engine-networks.js'
import { makeContainer, startDeadlineMs, startFailure } from '../containers/make-container.js'
import { Engine, unlessIdle, unlessMissing } from '../engine/engine.js'
import { engineInfo } from '../engine/engine-info.js'
import { explain, sayingOf, statusOf } from '../engine/engine-refusal.js'
import { parseImageReference } from '../engine/image-reference.js'
import { prepareImage } from '../engine/pull-image.js'
import { ContainerDoors } from '../sessions/container-doors.js'
import { ContainerFiles } from '../sessions/container-files.js'
import { openContainerExec } from '../sessions/open-container-exec.js'
import { firstProcess } from './first-process.js'
import { limitOptions, machineName, machineOptions, nextName, probeName, unlimitedMemory, unlimitedNanoCpus } from './machine-options.js'
import { MachineSnapshots } from './machine-snapshots.js'
import { observeMachine } from './observe-machine.js'

export interface DockerMachinesOptions {
  readonly socketPath: string
  /** Names this agent for good: another agent's containers on the same engine are not ours. */
  readonly agent: string
  /** Where snapshots lie that are sent to other nodes. */
  readonly directory: string
  /** The engine's network that machines without an address of the node's join. Default bridge. */
  readonly network?: string
}

const questionsAtOnce = 16
/** The first of them that the image has. */
const loginShell = ['/bin/sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi']

export class DockerMachines implements MachineBackend {
  readonly name = 'docker'
  readonly machineFeatures: ReadonlySet<MachineFeature> = new Set<MachineFeature>(['resizeWhileRunning', 'gpus', 'numa', 'privileged'])
  private readonly questions = new Semaphore(questionsAtOnce)
  private readonly closing = new AbortController()
  private readonly doors = new ContainerDoors()
  private readonly files = new ContainerFiles()
  private readonly hints = new Hints()
  private readonly snapshots: MachineSnapshots
  private readonly networks: EngineNetworks

  private constructor(
    private readonly engine: Engine,
    private readonly options: DockerMachinesOptions,
  ) {
    this.snapshots = new MachineSnapshots(engine, options)
    this.networks = new EngineNetworks(engine, options.agent)
  }

  static async open(options: DockerMachinesOptions): Promise<DockerMachines> {
    const machines = new DockerMachines(await Engine.open(options.socketPath), options)
    void followContainerEvents(machines.engine, options.agent, 'Vps', () => machines.hints.give(), machines.closing.signal)
    return machines
  }

  info(signal: AbortSignal): Promise<BackendInfo> {
    return engineInfo(this.engine, signal)
  }

  async observeMachines(signal: AbortSignal, uid?: string): Promise<readonly ObservedMachine[]> {
    const label = [`${labels.agent}=${this.options.agent}`, `${labels.kind}=Vps`, ...(uid === undefined ? [] : [`${labels.uid}=${uid}`])]
    const listed = await this.engine.call(signal, (options) => this.docker.listContainers({ ...options, all: true, filters: { label } }))
    const uids = new Set(listed.map((container) => container.Labels[labels.uid] ?? ''))
    const found = await Promise.all([...uids].map((each) => this.questions.run(signal, () => this.observe(each, signal))))
    return found.filter((machine) => machine !== undefined)
  }

  async machineUsage(signal: AbortSignal, uid?: string): Promise<readonly MachineUsage[]> {
    const running = (await this.observeMachines(signal, uid)).filter(({ state }) => state === 'running')
    const counted = await Promise.all(
      running.map(async (machine) => {
        const counters = await this.questions.run(signal, () => readContainerUsage(this.engine, this.container(machine.uid), signal))
        return counters && { uid: machine.uid, namespace: machine.namespace, name: machine.name, ...counters }
      }),
    )
    return counted.filter((usage) => usage !== undefined)
  }

  subscribe(onHint: () => void): () => void {
    return this.hints.subscribe(onHint)
  }

  prepareMachineImage({ image, imagePullPolicy }: Vps['spec'], onProgress: (text: string) => void, signal: AbortSignal): Promise<void> {
    return prepareImage(this.engine, image, resolvePullPolicy(image, imagePullPolicy), onProgress, signal)
  }

  async createMachine(machine: MachineSpec, source: DiskSource, signal: AbortSignal): Promise<void> {
    if (await this.inspectWhole(machine.uid, signal)) return
    await this.make(machineName(machine.uid), machine, source, signal)
    this.hints.give()
  }

  async startMachine(machine: MachineSpec, signal: AbortSignal): Promise<void> {
    const container = await this.settleRestore(machine.uid, signal)
    await this.updateLimits(machine, container, signal)
    await this.networks.join(machine.address, signal)
    try {
      if (container && machine.address) await this.networks.move(container, machine.address, signal)
      await unlessRunning(this.engine, this.container(machine.uid), signal)
    } catch (error) {
      if (error instanceof BackendError || statusOf(error) === undefined) throw error
      if (!this.networks.isLost(machine.address, error) && statusOf(error) === 404 && sayingOf(error).includes('No such container'))
        throw new BackendError('StartFailed', 'its container is no longer there', true, { cause: error })
      throw startFailure(error)
    } finally {
      this.hints.give()
    }
  }

  async stopMachine(uid: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await stopContainer(this.engine, machineName(uid), graceMs, signal)
  }

  resetMachine(): Promise<void> {
    return Promise.reject(new BackendError('Unsupported', 'a container has no reset button; restart it', false))
  }

  async resizeMachine(machine: MachineSpec, signal: AbortSignal): Promise<void> {
    await this.updateLimits(machine, await this.inspect(machineName(machine.uid), signal), signal)
  }

  async removeMachine(uid: string, signal: AbortSignal): Promise<void> {
    for (const name of [probeName(uid), nextName(uid), machineName(uid)]) await removeContainer(this.engine, name, signal)
    await this.snapshots.sweep(signal)
    this.hints.give()
  }

  async openMachineExec(uid: string, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    await this.inspectRunning(uid, signal)
    const command = order.command.length > 0 ? order.command : loginShell
    return openContainerExec(this.engine, this.container(uid), { ...order, command }, signal)
  }

  async dialMachine(uid: string, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    const container = await this.inspectRunning(uid, signal)
    return this.doors.dial(container, port, protocol, signal)
  }

  async openMachineFiles(uid: string, signal: AbortSignal): Promise<Duplex> {
    const { Id, State } = await this.inspectRunning(uid, signal)
    return this.files.serve(Id, State.Pid, signal)
  }

  openMachineConsole(): Promise<Duplex> {
    return Promise.reject(new BackendError('Unsupported', 'a container has no serial console; exec opens a shell in it', false))
  }

  machineLogs(uid: string, options: { readonly follow: boolean; readonly tailLines?: number }, signal: AbortSignal): Readable {
    return Readable.from(bytesOf(followContainerLogs(this.engine, machineName(uid), options, signal)), { objectMode: false })
  }

  async takeSnapshot(uid: string, snapshotUid: string, signal: AbortSignal): Promise<ObservedSnapshot> {
    await this.settleRestore(uid, signal)
    return this.snapshots.take(uid, snapshotUid, signal)
  }

  observeSnapshots(signal: AbortSignal): Promise<readonly ObservedSnapshot[]> {
    return this.snapshots.observe(signal)
  }

  removeSnapshot(snapshotUid: string, signal: AbortSignal): Promise<void> {
    return this.snapshots.remove(snapshotUid, signal)
  }

  async restoreMachine(machine: MachineSpec, source: Extract<DiskSource, { type: 'snapshot' }>, signal: AbortSignal): Promise<void> {
    const { uid } = machine
    const present = await this.settleRestore(uid, signal)
    if (present?.State.Running) throw new BackendError('CreateFailed', 'it runs; it is stopped before its disk is put back', true)
    // What an earlier try has made may be of another snapshot.
    if (present) await removeContainer(this.engine, nextName(uid), signal)
    await this.make(nextName(uid), machine, source, signal)
    await removeContainer(this.engine, machineName(uid), signal)
    await this.settleRestore(uid, signal)
    await this.snapshots.sweep(signal)
    this.hints.give()
  }

  exportSnapshot(snapshotUid: string, signal: AbortSignal): Promise<{ path: string; sizeBytes: number; digest: string }> {
    return this.snapshots.export(snapshotUid, signal)
  }

  importSnapshot(path: string, snapshotUid: string, machineUid: string, signal: AbortSignal): Promise<void> {
    return this.snapshots.import(path, snapshotUid, machineUid, signal)
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.doors.close()
  }

  private get docker(): Docker {
    return this.engine.docker
  }

  private container(uid: string): Docker.Container {
    return this.docker.getContainer(machineName(uid))
  }

  private inspect(name: string, signal: AbortSignal): Promise<Docker.ContainerInspectInfo | undefined> {
    return unlessMissing(this.engine.call(signal, (options) => this.docker.getContainer(name).inspect(options)))
  }

  /** The container of the machine: where a restore was cut off after the old one went, the new one. */
  private async inspectWhole(uid: string, signal: AbortSignal): Promise<Docker.ContainerInspectInfo | undefined> {
    return (await this.inspect(machineName(uid), signal)) ?? (await this.inspect(nextName(uid), signal))
  }

  private async inspectRunning(uid: string, signal: AbortSignal): Promise<Docker.ContainerInspectInfo> {
    const container = await this.inspect(machineName(uid), signal)
    if (!container?.State.Running) throw new BackendError('StartFailed', 'it does not run', true)
    return container
  }

  private async observe(uid: string, signal: AbortSignal): Promise<ObservedMachine | undefined> {
    const whole = await this.inspectWhole(uid, signal)
    if (whole) return observeMachine(whole)
    const probe = await this.inspect(probeName(uid), signal)
    return probe && { ...observeMachine(probe), state: 'partial' }
  }

  /** A restore that was cut off after the old container went is ended: the new one takes its name. */
  private async settleRestore(uid: string, signal: AbortSignal): Promise<Docker.ContainerInspectInfo | undefined> {
    const present = await this.inspect(machineName(uid), signal)
    if (present || !(await this.inspect(nextName(uid), signal))) return present
    await unlessIdle(
      this.engine,
      (options) => this.docker.getContainer(nextName(uid)).rename({ name: machineName(uid), ...options }),
      signal,
    )
    return this.inspect(machineName(uid), signal)
  }

  private async make(name: string, machine: MachineSpec, source: DiskSource, signal: AbortSignal): Promise<void> {
    const { uid, spec, numaNode } = machine
    const { agent, network = 'bridge' } = this.options
    if (source.type === 'image') parseImageReference(spec.image)
    const image = source.type === 'image' ? spec.image : await this.snapshots.imageOf(source.snapshotUid, signal)
    const numaCpus = numaNode === undefined ? undefined : await readNumaCpus(numaNode)
    if (numaNode !== undefined && numaCpus === undefined)
      throw new BackendError('Unsupported', `the node has no NUMA node ${numaNode}`, false)
    const command = await firstProcess(this.engine, machine, image, agent, signal)
    try {
      await makeContainer(this.engine, machineOptions(machine, { name, image, source, agent, network, numaCpus, command }), signal)
    } catch (error) {
      if (!(error instanceof BackendError) || !error.message.toLowerCase().includes('no command specified')) throw error
      throw new BackendError(
        'Unsupported',
        `the image of ${uid} has no shell to wait in and names no program: say one in spec.command`,
        false,
        {
          cause: error,
        },
      )
    }
  }

  /** An engine changes what is given, and leaves the rest: only what differs is sent. */
  private async updateLimits(machine: MachineSpec, container: Docker.ContainerInspectInfo | undefined, signal: AbortSignal): Promise<void> {
    if (!container) return
    const { HostConfig: now } = container
    const { Memory, MemorySwap, NanoCpus, CpuShares } = limitOptions(machine)
    const observed = observeMachine(container)
    const wanted = {
      ...(Memory !== undefined && Memory !== now.Memory ? { Memory, MemorySwap } : {}),
      ...(Memory === undefined && observed.memoryBytes !== undefined ? { Memory: unlimitedMemory, MemorySwap: unlimitedMemory } : {}),
      ...(NanoCpus !== undefined && NanoCpus !== now.NanoCpus ? { NanoCpus } : {}),
      ...(NanoCpus === undefined && observed.cpuMillis !== undefined ? { NanoCpus: unlimitedNanoCpus(await this.cores(signal)) } : {}),
      ...(CpuShares !== undefined && CpuShares !== now.CpuShares ? { CpuShares } : {}),
    }
    if (Object.keys(wanted).length === 0) return
    try {
      await this.engine.call(signal, (options) => this.container(machine.uid).update({ ...wanted, ...options }))
    } catch (error) {
      if (error instanceof BackendError || statusOf(error) === undefined) throw error
      throw new Error(`its CPU and memory could not be changed: ${explain(error)}`, { cause: error })
    }
    this.hints.give()
  }

  private async cores(signal: AbortSignal): Promise<number> {
    const info = (await this.engine.call(signal, (options) =>
      (this.docker.info as (options: object) => Promise<{ NCPU?: number }>).call(this.docker, options),
    )) as { NCPU?: number }
    return info.NCPU ?? availableParallelism()
  }
}

/** 304: it runs already. */
async function unlessRunning(engine: Engine, container: Docker.Container, signal: AbortSignal): Promise<void> {
  try {
    await engine.call(signal, (options) => container.start(options), startDeadlineMs)
  } catch (error) {
    if (statusOf(error) !== 304) throw error
  }
}

async function* bytesOf(lines: AsyncIterable<LogLine>): AsyncGenerator<Buffer> {
  for await (const { bytes } of lines) yield bytes
}
