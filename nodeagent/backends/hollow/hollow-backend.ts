/**
 * Runs nothing and says that it does: the backend of hollow nodes, by which a cluster of a thousand nodes fits into one process. Its
 * programs are words: `exit N`, `sleep` (until told to end), `stubborn` (until killed), `print OUT ERR`, `env NAME`, `hungry`. Everything
 * else ends at once with 0 after `runMs`. What it "runs" is in a HollowMachine, which outlives it as a machine outlives its agent.
 */
import { type Clock, systemClock, type Timer } from '../../../lib/base/clock.js'
import {
  type Backend,
  BackendError,
  type BackendFeature,
  type BackendInfo,
  type LogLine,
  type LogOptions,
  type ObservedRun,
  type RunExit,
  type RunId,
  type RunSpec,
} from '../backend.js'
import { printRunKey } from '../run-key.js'

interface HollowRun {
  readonly spec: RunSpec
  readonly startedAtMs: number
  readonly runtimeId: string
  state: 'running' | 'paused' | 'exited'
  exit?: RunExit
  readonly lines: LogLine[]
  timer?: Timer
}

/** What is on a hollow node, whichever agent looks after it. */
export class HollowMachine {
  readonly runs = new Map<string, HollowRun>()
  readonly watchers = new Set<() => void>()
  started = 0

  constructor(
    readonly clock: Clock = systemClock,
    /** How long a program without a word of its own runs. */
    readonly runMs = 0,
  ) {}

  changed(): void {
    for (const watcher of this.watchers) watcher()
  }
}

export class HollowBackend implements Backend {
  readonly features: ReadonlySet<BackendFeature> = new Set<BackendFeature>(['image', 'mounts', 'suspend', 'exec', 'ports'])

  readonly isolation = 'container'

  /** `name`: the backend that it stands in for, so that ordinary Tasks run on hollow nodes. */
  constructor(
    private readonly machine: HollowMachine,
    readonly name: Backend['name'] = 'hollow',
  ) {}

  async info(): Promise<BackendInfo> {
    return { available: true, version: 'hollow', isolation: this.isolation, limits: 'none' }
  }

  async observe(_signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]> {
    return [...this.machine.runs.values()].filter(({ spec }) => uid === undefined || spec.id.uid === uid).map(observed)
  }

  subscribe(onHint: () => void): () => void {
    this.machine.watchers.add(onHint)
    return () => this.machine.watchers.delete(onHint)
  }

  async prepareImage(): Promise<void> {}

  async start(run: RunSpec): Promise<void> {
    const key = printRunKey(run.id)
    if (run.numaNode !== undefined) throw new BackendError('Unsupported', 'a hollow node has no NUMA nodes', false)
    if (run.spec.privileged) throw new BackendError('Unsupported', 'a hollow node gives no rights', false)
    if (this.machine.runs.has(key)) return
    const { clock } = this.machine
    this.machine.started++
    const hollow: HollowRun = {
      spec: run,
      state: 'running',
      startedAtMs: clock.now(),
      runtimeId: `hollow-${this.machine.started}`,
      lines: [],
    }
    this.machine.runs.set(key, hollow)
    this.play(hollow)
    this.machine.changed()
  }

  async stop(id: RunId, graceMs: number): Promise<void> {
    const run = this.get(id)
    if (!run || run.state === 'exited') return
    const isStubborn = run.spec.spec.command?.[0] === 'stubborn' && graceMs >= 0
    this.end(run, isStubborn ? { exitCode: 137, signal: 'SIGKILL' } : { exitCode: 143, signal: 'SIGTERM' })
  }

  async pause(id: RunId): Promise<void> {
    const run = this.get(id)
    if (run?.state === 'running') run.state = 'paused'
    this.machine.changed()
  }

  async resume(id: RunId): Promise<void> {
    const run = this.get(id)
    if (run?.state === 'paused') run.state = 'running'
    this.machine.changed()
  }

  async remove(id: RunId): Promise<void> {
    this.get(id)?.timer?.cancel()
    this.machine.runs.delete(printRunKey(id))
    this.machine.changed()
  }

  async exec(id: RunId, command: readonly string[]): Promise<{ exitCode: number; output: string }> {
    const run = this.get(id)
    if (run?.state !== 'running') throw new BackendError('StartFailed', 'the task is not running', true)
    const [word, ...rest] = command
    if (word === 'exit') return { exitCode: Number(rest[0]), output: '' }
    if (word === 'env') return { exitCode: 0, output: `${run.spec.env[rest[0] ?? ''] ?? ''}\n` }
    return { exitCode: word === 'missing' ? 127 : 0, output: '' }
  }

  async openExec(): Promise<never> {
    throw new BackendError('Unsupported', 'a hollow node runs nothing that could be spoken with', false)
  }

  async dialPort(): Promise<never> {
    throw new BackendError('Unsupported', 'a hollow node listens on nothing', false)
  }

  async *logs(id: RunId, { follow, tailLines, sinceMs = 0 }: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const run = this.get(id)
    if (!run) return
    let next = tailLines === undefined ? 0 : Math.max(0, run.lines.length - tailLines)
    for (;;) {
      for (; next < run.lines.length; next++) {
        const line = run.lines[next]
        if (line && Date.parse(line.time) >= sinceMs) yield line
      }
      if (!follow || run.state === 'exited') return
      await this.nextChange(signal)
    }
  }

  async close(): Promise<void> {}

  private get(id: RunId): HollowRun | undefined {
    return this.machine.runs.get(printRunKey(id))
  }

  private play(run: HollowRun): void {
    const [word, ...rest] = [...(run.spec.spec.command ?? []), ...(run.spec.spec.args ?? [])]
    switch (word) {
      case 'exit':
        this.end(run, { exitCode: Number(rest[0]) })
        break
      case 'sleep':
        break
      case 'stubborn':
        this.print(run, 'stdout', 'ready\n')
        break
      case 'print':
        this.print(run, 'stdout', `${rest[0]}\n`)
        this.print(run, 'stderr', `${rest[1]}\n`)
        this.end(run, { exitCode: 0 })
        break
      case 'env':
        this.print(run, 'stdout', `${run.spec.env[rest[0] ?? ''] ?? ''}\n`)
        this.end(run, { exitCode: 0 })
        break
      case 'missing':
        this.end(run, { exitCode: 127, failure: { reason: 'CommandNotFound', message: 'missing is no command' } })
        break
      default: {
        const { clock, runMs } = this.machine
        run.timer = clock.setTimer(runMs, () => this.end(run, { exitCode: 0 }))
      }
    }
  }

  private print(run: HollowRun, stream: LogLine['stream'], text: string): void {
    const time = new Date(this.machine.clock.now()).toISOString()
    for (const line of text.match(/[^\n]*\n/g) ?? []) run.lines.push({ time, stream, bytes: Buffer.from(line) })
  }

  private end(run: HollowRun, how: Pick<RunExit, 'exitCode' | 'signal' | 'failure'>): void {
    if (run.state === 'exited') return
    run.timer?.cancel()
    run.state = 'exited'
    run.exit = { ...how, oomKilled: false, finishedAtMs: this.machine.clock.now() }
    this.machine.changed()
  }

  private nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        this.machine.watchers.delete(finish)
        signal.removeEventListener('abort', finish)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      this.machine.watchers.add(finish)
      signal.addEventListener('abort', finish, { once: true })
    })
  }
}

function observed({ spec, state, runtimeId, startedAtMs, exit }: HollowRun): ObservedRun {
  return { id: spec.id, namespace: spec.namespace, name: spec.name, state, runtimeId, startedAtMs, ...(exit ? { exit } : {}) }
}
