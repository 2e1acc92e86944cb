/**
 * The backend that needs nothing installed: a run is a plain process in a session of its own, under a shim (shim.pl) that outlives the agent. As
 * root every attempt has a user of its own and, where control groups can be made, enforced limits; without root its tasks have the agent's user
 * and limits are watched.
 *
 * Its one rule: what it knows lies in the run's record files (run-records.ts), so that a new agent knows what the old one knew.
 */
import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { sleep, systemClock } from '../../../lib/base/clock.js'
import { diskIsFull, isFull } from '../../files/full-disk.js'
import { makeFolder } from '../../files/make-folder.js'
import {
  type Backend,
  BackendError,
  type BackendFeature,
  type BackendInfo,
  type Isolation,
  type LogLine,
  type LogOptions,
  type ObservedRun,
  type RunId,
  type RunSpec,
  type RunUsage,
} from '../backend.js'
import type { CgroupLimits, Cgroups } from '../cgroups/cgroups.js'
import { limitsOf } from '../cgroups/run-limits.js'
import { connectDatagrams } from '../connect-datagrams.js'
import { connectTo, NotListening } from '../connect-to.js'
import type { ExecOrder, ExecSession } from '../exec-session.js'
import { cudaEnvironment } from '../gpu-environment.js'
import { Hints } from '../hints.js'
import { readNumaCpus } from '../numa.js'
import { printRunKey } from '../run-key.js'
import { logFileOf, readLogFiles } from '../supervision/log-files.js'
import { openOwnGroups } from '../supervision/own-groups.js'
import { pidsBelow, readBootId, readEnvironment, signalProcess } from '../supervision/proc.js'
import { RunProcesses } from '../supervision/run-processes.js'
import { type RunFiles, RunRecords } from '../supervision/run-records.js'
import { startShim } from '../supervision/shim.js'
import { followFolder } from '../supervision/watch-folders.js'
import { findListener } from './find-listener.js'
import { watchMemory } from './memory-watch.js'
import { runCommand } from './run-command.js'
import { refuseUnsupported } from './run-demands.js'
import { openSession } from './session.js'

export interface ProcessBackendOptions {
  /** Where the record files of runs lie; this backend's alone. */
  readonly directory: string
  /** Whether attempts run as users of their own: the agent must be root. */
  readonly separateUsers: boolean
  /** Undefined: limits are watched. */
  readonly cgroups: Cgroups | undefined
  readonly version: string
  /** Folders in which programs are looked for, as in PATH: perl, which the shim needs. */
  readonly searchPath: string
}

const pollMs = 20
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export class ProcessBackend implements Backend {
  readonly name = 'process'
  readonly features: ReadonlySet<BackendFeature>
  readonly isolation: Isolation
  private readonly processes: RunProcesses
  private readonly closing = new AbortController()
  private readonly hints = new Hints()
  private readonly stopWatchingMemory: (() => void) | undefined

  private constructor(
    private readonly options: ProcessBackendOptions,
    private readonly records: RunRecords,
    bootId: string,
  ) {
    this.processes = new RunProcesses(this.records, options.cgroups, bootId, () => this.hints.give())
    this.features = new Set<BackendFeature>([
      'memoryLimit',
      'suspend',
      'exec',
      'ports',
      'gpus',
      ...(options.cgroups ? (['cpuLimit'] as const) : []),
      ...(options.cgroups?.hasCpuset ? (['numa'] as const) : []),
      ...(options.separateUsers ? (['separateUser'] as const) : []),
    ])
    this.isolation = options.separateUsers ? 'user' : 'none'
    if (!options.cgroups) this.stopWatchingMemory = this.watchMemory()
  }

  static async open(options: ProcessBackendOptions): Promise<ProcessBackend> {
    const records = new RunRecords(options.directory)
    await records.prepare()
    const cgroups = options.cgroups && (await openOwnGroups(options.cgroups, records))
    const backend = new ProcessBackend({ ...options, cgroups }, records, await readBootId())
    void followFolder(options.directory, () => backend.hints.give(), backend.closing.signal)
    return backend
  }

  async info(): Promise<BackendInfo> {
    const hasPerl = await isOnPath('perl', this.options.searchPath)
    return {
      available: hasPerl,
      version: this.options.version,
      isolation: this.isolation,
      limits: this.options.cgroups ? 'enforced' : 'watched',
      ...(hasPerl ? {} : { message: 'perl is not installed; on Debian and Ubuntu: apt-get install perl-base' }),
    }
  }

  async observe(_signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]> {
    return Promise.all((await this.records.list(uid)).map((files) => this.observeRun(files)))
  }

  usage(_signal: AbortSignal, uid?: string): Promise<readonly RunUsage[]> {
    return this.processes.usage(uid)
  }

  subscribe(onHint: () => void): () => void {
    return this.hints.subscribe(onHint)
  }

  async prepareImage(): Promise<void> {
    throw new BackendError('Unsupported', 'the process backend runs no images', false)
  }

  async start(run: RunSpec, signal: AbortSignal): Promise<void> {
    const command = [...(run.spec.command ?? []), ...(run.spec.args ?? [])]
    refuseUnsupported(run, command)
    const present = await this.records.read(run.id)
    if (present?.started || present?.exit) return
    signal.throwIfAborted()

    const key = printRunKey(run.id)
    const limits = limitsOf(run.spec)
    const numa = await this.numaOf(run)
    const workingDirectory = run.spec.workingDir ?? run.homeDirectory ?? '/'
    try {
      await makeFolder(run.logDirectory)
      await this.records.create({
        id: run.id,
        namespace: run.namespace,
        name: run.name,
        userId: this.options.separateUsers ? run.userId : undefined,
        workingDirectory,
        memoryLimitBytes: limits.memoryBytes,
      })
      // After the record: groups that no record names would never be removed.
      const cgroupFiles = await this.options.cgroups?.create(key, { ...limits, numa })
      await startShim({
        prefix: this.records.prefix(run.id),
        label: key,
        logFile: logFileOf(run.logDirectory),
        thawFile: this.options.cgroups?.thawFile(key),
        command,
        env: { PATH: defaultPath, HOME: run.homeDirectory ?? '/', ...run.env, ...cudaEnvironment(run.gpus), MILLRACE_RUN: key },
        workingDirectory,
        userId: this.options.separateUsers ? run.userId : undefined,
        cgroupFiles,
        searchPath: this.options.searchPath,
      })
    } catch (cause) {
      throw new BackendError('StartFailed', `the process could not be started: ${isFull(cause) ? diskIsFull : messageOf(cause)}`, true, {
        cause,
      })
    }
  }

  async stop(id: RunId, graceMs: number, signal: AbortSignal): Promise<void> {
    const running = await this.processes.runningOf(id)
    if (!running) return this.processes.endLost(id, signal)
    await this.processes.thawAll(id, running)
    // The end of one that has gone may still be being written down, and its number another's.
    if (await this.processes.isAlive(running.child, running.bootId)) signalProcess(-running.child.pid, 'SIGTERM')
    if (await this.processes.waitForEnd(id, graceMs, signal)) return
    await this.processes.endNow(id, running, signal)
  }

  async pause(id: RunId): Promise<void> {
    const running = await this.processes.runningOf(id)
    if (!running) return
    if (this.options.cgroups) return this.options.cgroups.freeze(printRunKey(id))
    for (const process of await this.processes.processesOf(running)) signalProcess(process.pid, 'SIGSTOP')
    this.hints.give()
  }

  async resume(id: RunId): Promise<void> {
    const running = await this.processes.runningOf(id)
    if (running) await this.processes.thawAll(id, running)
    this.hints.give()
  }

  async remove(id: RunId, signal: AbortSignal): Promise<void> {
    await this.processes.clear(id, signal)
    await this.records.remove(id)
    this.hints.give()
  }

  async exec(id: RunId, command: readonly string[], signal: AbortSignal): Promise<{ exitCode: number; output: string }> {
    const running = await this.processes.runningOf(id)
    const record = (await this.records.read(id))?.record
    if (!running || !record) throw new BackendError('StartFailed', 'the task is not running', true)
    return runCommand(
      {
        command,
        env: await environmentOf(running.child.pid, printRunKey(id), signal),
        workingDirectory: record.workingDirectory,
        userId: record.userId,
        cgroupFiles: this.options.cgroups?.files(printRunKey(id)),
        searchPath: this.options.searchPath,
      },
      signal,
    )
  }

  async openExec(id: RunId, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    const running = await this.processes.runningOf(id)
    const record = (await this.records.read(id))?.record
    if (!running || !record) throw new BackendError('StartFailed', 'the task is not running', true)
    if (await this.processes.isPaused(id, running)) throw new BackendError('StartFailed', 'the task is paused', true)
    const env = await environmentOf(running.child.pid, printRunKey(id), signal)
    const session = openSession({
      ...order,
      label: printRunKey(id),
      env: order.tty ? { TERM: 'xterm', ...env } : env,
      workingDirectory: record.workingDirectory,
      userId: record.userId,
      cgroupFiles: this.options.cgroups?.files(printRunKey(id)),
      searchPath: this.options.searchPath,
    })
    const endWithRun = async () => {
      if (!(await this.processes.runningOf(id))) session.hangUp()
    }
    const stop = this.subscribe(() => void endWithRun())
    session.ended.then(stop, stop)
    return session
  }

  async dialPort(id: RunId, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    const running = await this.processes.runningOf(id)
    if (!running) throw new BackendError('StartFailed', 'the task is not running', true)
    const { cgroups } = this.options
    const listener = await findListener(port, protocol, () => (cgroups ? cgroups.pids(printRunKey(id)) : pidsBelow(running.shim.pid)))
    if (!listener) throw new NotListening(`nothing of the task listens on ${protocol === 'udp' ? 'udp ' : ''}port ${port}`)
    return protocol === 'udp' ? connectDatagrams(listener, port, signal) : connectTo(listener, port, signal)
  }

  async *logs(id: RunId, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    yield* readLogFiles(
      logFileOf(options.logDirectory),
      {
        follow: options.follow,
        tailLines: options.tailLines,
        sinceMs: options.sinceMs,
        hasEnded: async () => (await this.processes.runningOf(id)) === undefined,
        recordFolder: this.options.directory,
      },
      signal,
    )
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.stopWatchingMemory?.()
  }

  private async numaOf({ numaNode }: RunSpec): Promise<CgroupLimits['numa']> {
    if (numaNode === undefined) return undefined
    const cpus = this.features.has('numa') ? await readNumaCpus(numaNode) : undefined
    if (cpus === undefined) throw new BackendError('Unsupported', `the node cannot keep a process on NUMA node ${numaNode}`, false)
    return { node: numaNode, cpus }
  }

  private async observeRun(read: RunFiles): Promise<ObservedRun> {
    const { state, files } = await this.processes.look(read)
    const { record, started, exit } = files
    const common = {
      id: record.id,
      namespace: record.namespace,
      name: record.name,
      runtimeId: started?.child.pid ? String(started.child.pid) : '',
      ...(started?.atMs ? { startedAtMs: started.atMs } : {}),
    }
    if (exit) {
      const oomKilled = exit.oomKilled || ((await this.options.cgroups?.wasOomKilled(printRunKey(record.id))) ?? false)
      return { ...common, state: 'exited', exit: { ...exit, oomKilled } }
    }
    const isPaused = state === 'running' && started && (await this.processes.isPaused(record.id, started))
    return { ...common, state: isPaused ? 'paused' : state }
  }

  private watchMemory(): () => void {
    const watched = async () => {
      const runs = await this.records.list()
      return runs.flatMap(({ record, started, exit }) =>
        started && !exit && record.memoryLimitBytes !== undefined
          ? [{ key: printRunKey(record.id), id: record.id, shimPid: started.shim.pid, limitBytes: record.memoryLimitBytes }]
          : [],
      )
    }
    return watchMemory(watched, async ({ id }) => {
      const running = await this.processes.runningOf(id)
      if (!running) return
      // Where the disk is full, it is ended nevertheless; that it was for its memory is not known then.
      await this.records.markOom(id).catch((error) => {
        if (!isFull(error)) throw error
      })
      await this.processes.endNow(id, running, this.closing.signal)
    })
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** What a run was given. A process that has not become its command yet is waited for: its environment is not the run's. */
async function environmentOf(pid: number, key: string, signal: AbortSignal): Promise<Record<string, string>> {
  for (let tries = 0; ; tries++) {
    const entries = await readEnvironment(pid)
    if (entries.includes(`MILLRACE_RUN=${key}`) || tries >= 5000 / pollMs)
      return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
    await sleep(systemClock, pollMs, signal)
  }
}

async function isOnPath(program: string, searchPath: string): Promise<boolean> {
  for (const folder of searchPath.split(':').filter(Boolean)) {
    try {
      await access(path.join(folder, program), constants.X_OK)
      return true
    } catch {
      // the next folder
    }
  }
  return false
}
