import { sleep, systemClock } from '../../../lib/base/clock.js'
import type { RunId, RunUsage } from '../backend.js'
import type { Cgroups } from '../cgroups/cgroups.js'
import { printRunKey } from '../run-key.js'
import { descendantsOf, listProcesses, readProcess, signalProcess } from './proc.js'
import { readUsage } from './read-usage.js'
import type { RunFiles, RunRecord, RunRecords, StartedRecord } from './run-records.js'
import { endStrays } from './strays.js'

/** Between two looks at whether a run has ended, milliseconds. */
const pollMs = 20

/** The processes of runs, as the records name them: whether they live, and how they are continued and ended. */
export class RunProcesses {
  constructor(
    private readonly records: RunRecords,
    private readonly cgroups: Cgroups | undefined,
    private readonly bootId: string,
    private readonly onChange: () => void,
  ) {}

  /** A shim that lives is a run that has not ended, or whose end is being written down. */
  async isAlive(named: { pid: number; startTime: string }, bootId: string): Promise<boolean> {
    if (bootId !== this.bootId) return false
    const process = await readProcess(named.pid)
    return process !== undefined && process.startTime === named.startTime && process.state !== 'Z'
  }

  /**
   * How a run stands, with its files as they then are: it may have ended since they
   * were read. Unknown: its shim was killed, and nobody saw its end.
   */
  async look(read: RunFiles): Promise<{ readonly state: 'created' | 'running' | 'exited' | 'unknown'; readonly files: RunFiles }> {
    if (read.exit) return { state: 'exited', files: read }
    if (!read.started?.child.pid) return { state: 'created', files: read }
    if (await this.isAlive(read.started.shim, read.started.bootId)) return { state: 'running', files: read }
    const files = (await this.records.read(read.record.id)) ?? read
    return { state: files.exit ? 'exited' : 'unknown', files }
  }

  async isPaused(id: RunId, started: StartedRecord): Promise<boolean> {
    if (this.cgroups) return this.cgroups.isFrozen(printRunKey(id))
    return (await readProcess(started.child.pid))?.state === 'T'
  }

  async runningOf(id: RunId): Promise<StartedRecord | undefined> {
    const files = await this.records.read(id)
    if (!files?.started?.child.pid || files.exit) return undefined
    return (await this.isAlive(files.started.shim, files.started.bootId)) ? files.started : undefined
  }

  /** What runs use that run now: all, or those of one workload. */
  async usage(uid?: string): Promise<readonly RunUsage[]> {
    const runs: { record: RunRecord; shimPid: number }[] = []
    for (const { record, started, exit } of await this.records.list(uid))
      if (started?.child.pid && !exit && (await this.isAlive(started.shim, started.bootId)))
        runs.push({ record, shimPid: started.shim.pid })
    return readUsage(runs, this.cgroups)
  }

  async processesOf(running: StartedRecord) {
    return descendantsOf(running.shim.pid, await listProcesses())
  }

  async thawAll(id: RunId, running: StartedRecord): Promise<void> {
    if (this.cgroups) return this.cgroups.thaw(printRunKey(id))
    for (const process of await this.processesOf(running)) signalProcess(process.pid, 'SIGCONT')
  }

  /** The shim ends everything below it and writes down how the run ended. */
  async endNow(id: RunId, running: StartedRecord, signal: AbortSignal): Promise<void> {
    for (;;) {
      signalProcess(running.shim.pid, 'SIGTERM')
      if (await this.waitForEnd(id, 200, signal)) return
    }
  }

  /** A run that started, whose shim is gone and who wrote no end: nothing of it may go on, and its end is written down here. */
  async endLost(id: RunId, signal: AbortSignal): Promise<void> {
    const files = await this.records.read(id)
    if (!files?.started?.child.pid || files.exit) return
    // It may not have become its command yet, and so bears no mark.
    if (await this.isAlive(files.started.child, files.started.bootId)) signalProcess(files.started.child.pid, 'SIGKILL')
    await endStrays(printRunKey(id), this.cgroups, signal)
    const message = files.started.bootId === this.bootId ? 'the process that watched over it was killed' : 'the node was restarted'
    await this.records.markLost(id, systemClock.now(), message)
    this.onChange()
  }

  /** Ends all of it for good, also a start that is under way. Its group is gone then; its record is not. */
  async clear(id: RunId, signal: AbortSignal): Promise<void> {
    const files = await this.records.read(id)
    if (files && !files.exit && !(await this.records.forbidStart(id))) {
      const running = await this.runningOf(id)
      if (running) await this.endNow(id, running, signal)
    }
    const key = printRunKey(id)
    await endStrays(key, this.cgroups, signal)
    await this.cgroups?.remove(key)
  }

  async waitForEnd(id: RunId, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      if (!(await this.runningOf(id))) return true
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return false
      await sleep(systemClock, Math.min(pollMs, leftMs), signal)
    }
  }
}
