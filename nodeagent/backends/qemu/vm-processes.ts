/**
 * The QEMU processes of an agent. Each runs in a session of its own under a shim (supervision/shim.pl), which writes down pid and start
 * time before QEMU's first instruction and how it ended, so that it survives the agent's end, however hard, and its own end is known even
 * when no agent was there. A process is believed with its pid, its start time, this boot, and the name that it answers to by QMP.
 *
 * Its one rule: what it knows lies in the record files of `directory`; a new agent knows what the old one knew.
 */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { sleep, systemClock } from '../../../lib/base/clock.js'
import type { GuestFence } from '../../network/guest-fence.js'
import type { RunExit, RunId, RunUsage } from '../backend.js'
import type { CgroupLimits, Cgroups } from '../cgroups/cgroups.js'
import { Hints } from '../hints.js'
import { printRunKey } from '../run-key.js'
import { openOwnGroups } from '../supervision/own-groups.js'
import { readBootId, readProcess } from '../supervision/proc.js'
import { RunProcesses } from '../supervision/run-processes.js'
import { type RunFiles, RunRecords, type StartedRecord } from '../supervision/run-records.js'
import { startShim } from '../supervision/shim.js'
import { followFolder } from '../supervision/watch-folders.js'
import { QmpClient, QmpError } from './qmp-client.js'
import { VmFences } from './vm-fences.js'

/** Between two presses of the power button. */
const powerButtonMs = 5000

/** The name of QMP's socket in the directory of a virtual machine. */
export const qmpSocketName = 'qmp.sock'

export interface VmProcessesOptions {
  /** Where the record files lie; its own. */
  readonly directory: string
  /** Where perl is found, which the shim needs. */
  readonly searchPath: string
  /** Undefined: the agent may make no groups, and QEMU gets as much CPU as it takes. */
  readonly cgroups?: Cgroups | undefined
  readonly fence: GuestFence
}

export interface VmLaunch {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
  /** Where it is started, and has its QMP socket (qmpSocketName): the virtual machine's own. */
  readonly directory: string
  /** Program and arguments, with engineArguments({ name: vmName(id), qmpSocket: qmpSocketName }). */
  readonly command: readonly string[]
  /** The user that the command makes QEMU become: kept from the services of the node. */
  readonly userId?: number | undefined
  /** What QEMU says on its two streams, as lines with times; rotated. */
  readonly logFile: string
  readonly limits?: CgroupLimits | undefined
  /** What QEMU reads on standard input; kept in memory alone. */
  readonly input?: string | undefined
  /** Whether something of it may write to its file 20; see ObservedVm.report. */
  readonly report?: boolean | undefined
}

/** A process as its files and the machine show it. */
export interface ObservedVm {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
  readonly directory: string
  /** created: recorded, and QEMU was never started; unknown: its shim was killed, and nobody saw how it ended, or whether. */
  readonly state: 'created' | 'running' | 'exited' | 'unknown'
  /** QEMU's; absent before its start. */
  readonly pid?: number
  readonly startedAtMs?: number
  readonly exit?: RunExit
  /** The line that was written to file 20. */
  readonly report?: string
}

/** What QMP's `query-name` answers in the process of this id. */
export const vmName = printRunKey

export class VmProcesses {
  private readonly processes: RunProcesses
  private readonly fences: VmFences
  private readonly hints = new Hints()
  private readonly closing = new AbortController()

  private constructor(
    private readonly options: VmProcessesOptions,
    private readonly records: RunRecords,
    bootId: string,
  ) {
    this.processes = new RunProcesses(this.records, options.cgroups, bootId, () => this.hints.give())
    this.fences = new VmFences(options.fence, () => this.fenced())
  }

  static async open(options: VmProcessesOptions): Promise<VmProcesses> {
    const records = new RunRecords(options.directory)
    await records.prepare()
    const cgroups = options.cgroups && (await openOwnGroups(options.cgroups, records))
    const processes = new VmProcesses({ ...options, cgroups }, records, await readBootId())
    void followFolder(options.directory, () => processes.hints.give(), processes.closing.signal)
    void processes.fences.watch(processes.closing.signal)
    return processes
  }

  /** All, or those of one uid. */
  async observe(uid?: string): Promise<ObservedVm[]> {
    return Promise.all((await this.records.list(uid)).map((files) => this.observeOne(files)))
  }

  /** What those use that run now, with the memory that their guests have touched. */
  usage(uid?: string): Promise<readonly RunUsage[]> {
    return this.processes.usage(uid)
  }

  /** Undefined when there is none of this id. */
  async find(id: RunId): Promise<ObservedVm | undefined> {
    const files = await this.records.read(id)
    return files && (await this.observeOne(files))
  }

  /** Calls `onHint` when something may have changed. Returns how to stop. */
  subscribe(onHint: () => void): () => void {
    return this.hints.subscribe(onHint)
  }

  /**
   * Starts it, once for an id, however often it is asked and whoever is killed: for a second start, `remove` it first, or count `run` up.
   */
  async launch(vm: VmLaunch, signal: AbortSignal): Promise<void> {
    const present = await this.records.read(vm.id)
    if (present?.started || present?.exit) return
    signal.throwIfAborted()
    const key = printRunKey(vm.id)
    const { cgroups, searchPath } = this.options
    const { id, namespace, name, userId } = vm
    await this.records.create({ id, namespace, name, userId, workingDirectory: vm.directory })
    // After the record: groups and rules that no record names would never be removed.
    const [cgroupFiles] = await Promise.all([
      cgroups?.create(key, vm.limits ?? {}),
      userId === undefined ? undefined : this.fences.raise(key, userId, signal),
    ])
    await startShim({
      prefix: this.records.prefix(vm.id),
      label: key,
      logFile: vm.logFile,
      thawFile: cgroups?.thawFile(key),
      input: vm.input,
      report: vm.report,
      command: vm.command,
      env: { PATH: searchPath, MILLRACE_RUN: key },
      workingDirectory: vm.directory,
      cgroupFiles,
      searchPath,
    })
  }

  /** Connects to the QMP of a running one that answers to its name. Rejects with QmpError; the caller closes it. */
  async connect(id: RunId, signal: AbortSignal): Promise<QmpClient> {
    const record = (await this.records.read(id))?.record
    const running = await this.processes.runningOf(id)
    if (!record || !running) throw new QmpError('the virtual machine is not running')
    const child = await readProcess(running.child.pid)
    if (child?.startTime !== running.child.startTime) throw new QmpError('the virtual machine is not running')
    const qmp = await QmpClient.connect(path.join(record.workingDirectory, qmpSocketName), signal).catch((error: unknown) => {
      throw isSocketAway(error) ? new QmpError('QEMU is starting: it does not take commands yet', undefined, { cause: error }) : error
    })
    try {
      const { name } = (await qmp.execute('query-name', {}, { signal })) as { name?: string }
      if (name !== vmName(id)) throw new QmpError(`a virtual machine named "${name ?? ''}" answers where ${vmName(id)} should`)
      return qmp
    } catch (error) {
      qmp.close()
      throw error
    }
  }

  /**
   * Asks politely with `ask` (system_powerdown unless given), waits for `graceMs`, and kills. Resolves when it has ended. What cannot be
   * asked, as it has only just begun, is asked again. Idempotent.
   */
  async end(
    id: RunId,
    graceMs: number,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<void> = this.powerDown(id),
  ): Promise<void> {
    const running = await this.processes.runningOf(id)
    if (!running) return this.processes.endLost(id, signal)
    if (graceMs > 0) {
      const asking = new AbortController()
      const untilEnded = AbortSignal.any([signal, asking.signal])
      const asked = ask(untilEnded).catch(() => {}) // it went, or does not answer: the kill is next
      const ended = await this.processes.waitForEnd(id, graceMs, signal)
      asking.abort()
      await asked
      if (ended) return
    }
    await this.kill(id, running, signal)
  }

  /** Removes all that is left of it, running or not: processes, groups, records. Directory and log file are the caller's. Idempotent. */
  async remove(id: RunId, signal: AbortSignal): Promise<void> {
    const files = await this.records.read(id)
    await this.processes.clear(id, signal)
    const key = printRunKey(id)
    // The record may be one that an agent wrote which knew of no fence.
    if (files) await this.fences.lower(key, signal)
    if (files) await rm(path.join(files.record.workingDirectory, qmpSocketName), { force: true })
    await this.records.remove(id)
    this.hints.give()
  }

  /** Resolves once it has ended (true), or after `timeoutMs` (false). */
  waitForEnd(id: RunId, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    return this.processes.waitForEnd(id, timeoutMs, signal)
  }

  async close(): Promise<void> {
    this.closing.abort()
  }

  private async kill(id: RunId, running: StartedRecord, signal: AbortSignal): Promise<void> {
    await this.processes.thawAll(id, running)
    await this.processes.endNow(id, running, signal)
  }

  private powerDown(id: RunId): (signal: AbortSignal) => Promise<void> {
    return async (signal) => {
      for (;;) {
        const qmp = await this.connect(id, signal).catch(() => undefined)
        await qmp?.execute('system_powerdown', {}, { signal }).finally(() => qmp.close())
        // A guest that has no driver yet for the button does not feel it.
        await sleep(systemClock, powerButtonMs, signal)
      }
    }
  }

  private async observeOne(read: RunFiles): Promise<ObservedVm> {
    const { state, files } = await this.processes.look(read)
    const { record, started, exit, report } = files
    return {
      id: record.id,
      namespace: record.namespace,
      name: record.name,
      directory: record.workingDirectory,
      state,
      ...(started?.child.pid ? { pid: started.child.pid } : {}),
      ...(started?.atMs ? { startedAtMs: started.atMs } : {}),
      ...(exit ? { exit } : {}),
      ...(report === undefined ? {} : { report }),
    }
  }

  /** The users of those that run, by key. */
  private async fenced(): Promise<Map<string, number>> {
    const users = new Map<string, number>()
    for (const { record } of await this.records.list())
      if (record.userId !== undefined && (await this.processes.runningOf(record.id))) users.set(printRunKey(record.id), record.userId)
    return users
  }
}

/** There is no socket yet, or nobody listens on it. */
function isSocketAway(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return error instanceof QmpError && (cause?.code === 'ENOENT' || cause?.code === 'ECONNREFUSED')
}
