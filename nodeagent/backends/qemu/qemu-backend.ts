/**
 * Tasks as microVMs: each run is a virtual machine of its own, which boots the image's kernel, runs the command, and is gone when it has
 * ended. The first process of the guest is microvm/init.sh; see there for what the two say to each other.
 *
 * Its one rule: what it knows lies in the records of VmProcesses and in the
 * run's directory, so that a new agent knows what the old one knew.
 */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { sleep, systemClock } from '../../../lib/base/clock.js'
import { diskIsFull, isFull } from '../../files/full-disk.js'
import { makeFolder } from '../../files/make-folder.js'
import type { GuestFence } from '../../network/guest-fence.js'
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
import type { CgroupLimits, Cgroups } from '../cgroups/cgroups.js'
import { limitsOf } from '../cgroups/run-limits.js'
import type { ExecOrder, ExecSession } from '../exec-session.js'
import { Hints } from '../hints.js'
import { readNumaCpus } from '../numa.js'
import { parseRunKey, printRunKey } from '../run-key.js'
import { logFileOf, readLogFiles } from '../supervision/log-files.js'
import { makeControlPipe, tellGuest } from './microvm/control-pipe.js'
import { dialGuest } from './microvm/dial-guest.js'
import { guestOrders, sessionScript } from './microvm/guest-orders.js'
import { outcomeOf } from './microvm/guest-outcome.js'
import { type Guest, GuestSessions } from './microvm/guest-sessions.js'
import { microvmArguments } from './microvm/microvm-arguments.js'
import { type ImagePlaces, listMicrovmImages, openMicrovmImage } from './microvm/microvm-images.js'
import { refuseUnsupported } from './microvm/run-demands.js'
import { type WakingGuest, wakeGuest } from './microvm/wake-guest.js'
import { describeEngine, findQemu, type QemuEngine } from './qemu-engine.js'
import { readLastWords } from './vm-end.js'
import { type ObservedVm, VmProcesses } from './vm-processes.js'

export interface QemuBackendOptions {
  /** Where records and runs lie; this backend's alone. */
  readonly directory: string
  /** Where NAME.vmlinuz and NAME.initrd are looked for. */
  readonly imageDirectory: string
  /** A path, or the name of a program. */
  readonly binary: string
  /** Whether QEMU becomes the attempt's own user: the agent must be root. */
  readonly separateUsers: boolean
  /** Undefined: a guest gets as much CPU as its processors take. */
  readonly cgroups: Cgroups | undefined
  /** What keeps guests from the services of their node. */
  readonly fence: GuestFence
  readonly searchPath: string
}

/** In the directory of a run: it was paused, or is about to be; it is being ended. */
const pausedMark = 'paused'
const stoppingMark = 'stopping'
/** In the same: where what QEMU said last is found. */
const logDirectoryFile = 'log-directory'
const pollMs = 50

export class QemuBackend implements Backend {
  readonly name = 'qemu'
  readonly isolation = 'vm'
  readonly features: ReadonlySet<BackendFeature>
  private readonly sessions = new GuestSessions()
  private readonly hints = new Hints()
  private engine: QemuEngine | undefined
  private readonly closing = new AbortController()
  /** Runs whose guests are looked after until they have begun. */
  private readonly waking = new Set<string>()

  private constructor(
    private readonly options: QemuBackendOptions,
    private readonly vms: VmProcesses,
  ) {
    this.features = new Set<BackendFeature>([
      ...(['image', 'memoryLimit', 'suspend', 'exec', 'ports'] as const),
      ...(options.cgroups ? (['cpuLimit'] as const) : []),
      ...(options.cgroups?.hasCpuset ? (['numa'] as const) : []),
      ...(options.separateUsers ? (['separateUser'] as const) : []),
    ])
  }

  static async open(options: QemuBackendOptions): Promise<QemuBackend> {
    const { directory, searchPath, cgroups, fence } = options
    const vms = await VmProcesses.open({ directory: path.join(directory, 'records'), searchPath, cgroups, fence })
    const backend = new QemuBackend(options, vms)
    await makeFolder(options.imageDirectory, 0o755)
    await backend.clear()
    for (const vm of await vms.observe()) if (vm.state === 'running') backend.wake(vm.id)
    return backend
  }

  async info(): Promise<BackendInfo> {
    const engine = await this.findEngine()
    const common = { isolation: this.isolation, limits: 'enforced' } as const
    if ('missing' in engine) return { ...common, available: false, message: engine.missing }
    const images = (await listMicrovmImages(this.options.imageDirectory)).map(({ name, sizeBytes }) => ({ names: [name], sizeBytes }))
    return {
      ...common,
      available: true,
      version: engine.version,
      message: `${describeEngine(engine)}${await this.options.fence.hole()}`,
      images,
    }
  }

  async observe(_signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]> {
    return Promise.all((await this.vms.observe(uid)).map((vm) => this.observeRun(vm)))
  }

  usage(_signal: AbortSignal, uid?: string): Promise<readonly RunUsage[]> {
    return this.vms.usage(uid)
  }

  subscribe(onHint: () => void): () => void {
    const stops = [this.hints.subscribe(onHint), this.vms.subscribe(onHint)]
    return () => {
      for (const stop of stops) stop()
    }
  }

  async prepareImage(image: string): Promise<void> {
    await openMicrovmImage(image, this.places())
  }

  async start(run: RunSpec, signal: AbortSignal): Promise<void> {
    refuseUnsupported(run)
    const key = printRunKey(run.id)
    const engine = await this.findEngine()
    if ('missing' in engine) throw new BackendError('BackendUnavailable', engine.missing, true)
    const image = await openMicrovmImage(run.spec.image ?? '', this.places())
    const numa = await this.numaOf(run)
    const directory = this.directoryOf(run.id)
    try {
      await makeFolder(directory)
      await makeFolder(run.logDirectory)
      await writeFile(path.join(directory, logDirectoryFile), run.logDirectory, { mode: 0o600 })
      await makeControlPipe(directory, this.options.searchPath)
      const { cpuLimitMillis, cpuRequestMillis } = limitsOf(run.spec)
      const userId = this.options.separateUsers ? run.userId : undefined
      await this.vms.launch(
        {
          id: run.id,
          namespace: run.namespace,
          name: run.name,
          directory,
          command: microvmArguments({
            engine,
            name: key,
            spec: run.spec,
            image,
            userId,
            cpus: availableParallelism(),
          }),
          userId,
          logFile: logFileOf(run.logDirectory),
          limits: { cpuLimitMillis, cpuRequestMillis, numa },
          input: guestOrders(run),
          report: true,
        },
        signal,
      )
      this.wake(run.id)
    } catch (cause) {
      signal.throwIfAborted()
      throw new BackendError('StartFailed', `the microVM could not be started: ${isFull(cause) ? diskIsFull : messageOf(cause)}`, true, {
        cause,
      })
    }
  }

  async stop(id: RunId, graceMs: number, signal: AbortSignal): Promise<void> {
    const vm = await this.vms.find(id)
    if (vm?.state === 'running') {
      await writeFile(path.join(vm.directory, stoppingMark), '', { mode: 0o600 })
      if (graceMs > 0) await this.resume(id, signal)
    }
    await this.vms.end(id, graceMs, signal, (ended) => tellGuest(this.guestOf(id), 'stop', ended))
  }

  async pause(id: RunId, signal: AbortSignal): Promise<void> {
    const vm = await this.vms.find(id)
    if (vm?.state !== 'running') return
    // Before it is paused: a mark without a pause is looked at again, a pause without a mark would be overlooked.
    await writeFile(path.join(vm.directory, pausedMark), '', { mode: 0o600 })
    await this.ask(id, 'stop', signal)
    this.hints.give()
  }

  async resume(id: RunId, signal: AbortSignal): Promise<void> {
    const vm = await this.vms.find(id)
    if (vm?.state !== 'running' || !(await isThere(path.join(vm.directory, pausedMark)))) return
    await this.ask(id, 'cont', signal)
    await rm(path.join(vm.directory, pausedMark), { force: true })
    this.hints.give()
  }

  async remove(id: RunId, signal: AbortSignal): Promise<void> {
    await this.vms.remove(id, signal)
    await rm(this.directoryOf(id), { recursive: true, force: true })
    this.hints.give()
  }

  async exec(id: RunId, command: readonly string[], signal: AbortSignal): Promise<{ exitCode: number; output: string }> {
    const session = await this.openExec(id, { command, stdin: false, tty: false }, signal)
    const onAbort = () => session.hangUp()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const said = [session.stdout, session.stderr].map((stream) => (stream ? text(stream) : ''))
      const { exitCode } = await session.ended
      signal.throwIfAborted()
      return { exitCode, output: (await Promise.all(said)).join('') }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async openExec(id: RunId, { command, stdin, tty }: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    await this.assertAwake(id)
    return this.sessions.open(this.guestOf(id), { script: sessionScript(command, tty), stdin, tty }, signal)
  }

  async dialPort(id: RunId, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    if (protocol === 'udp') throw new BackendError('Unsupported', 'the qemu backend forwards no UDP ports of tasks', false)
    await this.assertAwake(id)
    return dialGuest(this.sessions, this.guestOf(id), port, signal)
  }

  async *logs(id: RunId, { logDirectory, follow, tailLines, sinceMs }: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const hasEnded = async () => (await this.vms.find(id))?.state !== 'running'
    const recordFolder = path.join(this.options.directory, 'records')
    yield* readLogFiles(logFileOf(logDirectory), { follow, tailLines, sinceMs, hasEnded, recordFolder }, signal)
  }

  async close(): Promise<void> {
    this.closing.abort()
    await this.vms.close()
  }

  private async observeRun(vm: ObservedVm): Promise<ObservedRun> {
    const { id, namespace, name, pid, startedAtMs, exit, report } = vm
    const common = {
      id,
      namespace,
      name,
      runtimeId: pid === undefined ? '' : String(pid),
      ...(startedAtMs === undefined ? {} : { startedAtMs }),
    }
    if (vm.state === 'running') return { ...common, state: (await this.isPaused(vm)) ? 'paused' : 'running' }
    if (!exit) return { ...common, state: vm.state }
    const stopping = await isThere(path.join(vm.directory, stoppingMark))
    const lastWords = await this.lastWordsOf(vm)
    return { ...common, state: 'exited', exit: outcomeOf({ exit, report, stopping, lastWords }) }
  }

  /** Sees to it that the guest begins; see wake-guest.ts. */
  private wake(id: RunId): void {
    const key = printRunKey(id)
    if (this.waking.has(key)) return
    this.waking.add(key)
    const guest: WakingGuest = {
      ask: async (question) => {
        const qmp = await this.vms.connect(id, this.closing.signal)
        return question(qmp).finally(() => qmp.close())
      },
      isRunning: async () => (await this.vms.find(id))?.state === 'running',
    }
    wakeGuest(guest, this.closing.signal)
      .catch(() => {}) // the agent ends; the next one goes on
      .finally(() => this.waking.delete(key))
  }

  /** QEMU's word; it is asked only where the mark says that it may be. */
  private async isPaused({ id, directory }: ObservedVm): Promise<boolean> {
    if (!(await isThere(path.join(directory, pausedMark)))) return false
    try {
      const qmp = await this.vms.connect(id, AbortSignal.timeout(10_000))
      const { status } = (await qmp.execute('query-status').finally(() => qmp.close())) as { status: string }
      return status === 'paused'
    } catch {
      return false // it has only just begun, or is ending
    }
  }

  private async lastWordsOf({ directory }: ObservedVm): Promise<string> {
    const folder = await readFile(path.join(directory, logDirectoryFile), 'utf8').catch(() => undefined)
    return folder === undefined ? '' : readLastWords(logFileOf(folder))
  }

  /** Gives QEMU a command, which has no ear for it yet in its first moments. */
  private async ask(id: RunId, command: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const qmp = await this.vms.connect(id, signal).catch(() => undefined)
      if (qmp) {
        await qmp.execute(command, {}, { signal }).finally(() => qmp.close())
        return
      }
      if ((await this.vms.find(id))?.state !== 'running') return
      await sleep(systemClock, pollMs, signal)
    }
  }

  private async assertAwake(id: RunId): Promise<void> {
    const vm = await this.vms.find(id)
    if (vm?.state !== 'running') throw new BackendError('StartFailed', 'the task is not running', true)
    if (await this.isPaused(vm)) throw new BackendError('StartFailed', 'the task is paused', true)
  }

  private async numaOf({ numaNode }: RunSpec): Promise<CgroupLimits['numa']> {
    if (numaNode === undefined) return undefined
    const cpus = this.features.has('numa') ? await readNumaCpus(numaNode) : undefined
    if (cpus === undefined) throw new BackendError('Unsupported', `the node cannot keep a microVM on NUMA node ${numaNode}`, false)
    return { node: numaNode, cpus }
  }

  private async findEngine(): Promise<QemuEngine | { readonly missing: string }> {
    if (this.engine) return this.engine
    const { binary, directory, searchPath } = this.options
    const found = await findQemu({ binary, directory, searchPath })
    if (!('missing' in found)) this.engine = found
    return found
  }

  /** Directories whose run was never recorded: the agent was killed in between. */
  private async clear(): Promise<void> {
    const folder = path.join(this.options.directory, 'runs')
    for (const name of await readdir(folder).catch(() => [])) {
      const id = parseRunKey(name)
      if (!id || !(await this.vms.find(id))) await rm(path.join(folder, name), { recursive: true, force: true })
    }
  }

  private places(): ImagePlaces {
    return { imageDirectory: this.options.imageDirectory, bootDirectory: path.join(this.options.directory, 'boot') }
  }

  private directoryOf(id: RunId): string {
    return path.join(this.options.directory, 'runs', printRunKey(id))
  }

  private guestOf(id: RunId): Guest {
    return {
      key: printRunKey(id),
      directory: this.directoryOf(id),
      isRunning: async () => (await this.vms.find(id))?.state === 'running',
      connectedPorts: async (signal) => {
        const qmp = await this.vms.connect(id, signal)
        const devices = (await qmp.execute('query-chardev', {}, { signal }).finally(() => qmp.close())) as {
          label: string
          filename: string
        }[]
        return new Set(devices.filter(({ filename }) => !filename.startsWith('disconnected:')).map(({ label }) => label))
      },
    }
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined
}
