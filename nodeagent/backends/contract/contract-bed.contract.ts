import { randomUUID } from 'node:crypto'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import type { Task } from '../../../lib/api/kinds/task.js'
import { defaultTaskSpec } from '../../../lib/testing/a-task.js'
import { eventually } from '../../../lib/testing/eventually.js'
import type { Backend, BackendFeature, LogLine, LogOptions, ObservedRun, RunId, RunSpec } from '../backend.js'

/** The programs of the suite, as the backend's own commands. */
export interface ContractPrograms {
  exit(code: number): string[]
  /** Runs until it is told to end. */
  sleep: string[]
  /** Runs on when it is told to end; prints `ready` once it would. */
  stubborn: string[]
  /** Prints a line on each stream, then ends. */
  print(out: string, err: string): string[]
  /** Prints the variable. */
  printEnv(name: string): string[]
  missing: string[]
  /** Listens on the TCP port, and says back what it hears. */
  echo(port: number): string[]
  /** Says every datagram back on a UDP port of the loopback. Absent where the backend's images have no program that could. */
  echoDatagrams?(port: number): string[]
  /** Uses more memory than `memoryLimit`. */
  hungry: string[]
}

export interface ContractSubject {
  /** Opens the backend on the same state each time: closing and opening again is an agent's restart. */
  open(): Promise<Backend>
  readonly programs: ContractPrograms
  /** Where the backend runs images: one that is present. */
  readonly image?: string
  /** Whether a start takes seconds: what is tried many times is then tried twice. */
  readonly slow?: boolean
  /** The memory that `hungry` does not get by with. Default: 32Mi. */
  readonly memoryLimit?: string
}

export interface ContractOptions {
  /** Whether somebody may look on: commands, connections, usage. */
  readonly sessions: boolean
  /** How long a run may take to start, to speak or to end, on a loaded machine. */
  readonly patienceMs: number
}

/** An open backend, and what it takes to run something on it. */
export class ContractBed {
  readonly signal = AbortSignal.timeout(7_200_000)
  /** All that were asked for; they are removed at the end. */
  readonly runs: RunSpec[] = []
  private opened: { readonly subject: ContractSubject; backend: Backend; readonly home: string; readonly logs: string } | undefined

  constructor(
    private readonly prepare: () => Promise<ContractSubject>,
    private readonly options: ContractOptions,
  ) {}

  get subject(): ContractSubject {
    return this.parts.subject
  }

  get backend(): Backend {
    return this.parts.backend
  }

  /** A folder that runs may write to. */
  get home(): string {
    return this.parts.home
  }

  async open(): Promise<void> {
    const home = await mkdtemp(path.join(tmpdir(), 'mr-home-'))
    const logs = await mkdtemp(path.join(tmpdir(), 'mr-logs-'))
    const subject = await this.prepare()
    this.opened = { subject, backend: await subject.open(), home, logs }
    if (this.declares('separateUser')) await chown(home, userId, userId)
  }

  /** As an agent's restart. */
  async reopen(): Promise<void> {
    await this.backend.close()
    this.parts.backend = await this.subject.open()
  }

  async close(): Promise<void> {
    if (!this.opened) return
    for (const run of this.runs) await this.backend.remove(run.id, this.signal)
    await this.backend.close()
    for (const folder of [this.opened.home, this.opened.logs]) await rm(folder, { recursive: true, force: true })
  }

  readonly aRun = (
    command: string[],
    spec: Partial<Task['spec']> = {},
    id: Partial<RunId> = {},
    env: Record<string, string> = {},
  ): RunSpec => {
    const { image } = this.subject
    const run: RunSpec = {
      id: { uid: randomUUID(), attempt: 0, run: 0, ...id },
      namespace: 'default',
      name: 'subject',
      spec: { ...defaultTaskSpec, command, ...(image ? { image } : {}), ...spec },
      env,
      mounts: [],
      homeDirectory: this.home,
      logDirectory: path.join(this.parts.logs, randomUUID()),
      ...(this.declares('separateUser') ? { userId } : {}),
    }
    this.runs.push(run)
    return run
  }

  readonly observed = async (run: RunSpec): Promise<ObservedRun | undefined> =>
    (await this.backend.observe(this.signal, run.id.uid)).find((other) => other.id.run === run.id.run)

  /** Looks until it is so, as long as the backend may take. */
  readonly eventually: typeof eventually = (check) => eventually(check, { timeoutMs: this.options.patienceMs })

  readonly inState = (run: RunSpec, state: ObservedRun['state']) =>
    this.eventually(async () => {
      const now = await this.observed(run)
      expect(now?.state).toBe(state)
      return now
    })

  readonly linesOf = async (run: RunSpec, options: Partial<LogOptions> = {}): Promise<LogLine[]> => {
    const lines: LogLine[] = []
    const wanted = { logDirectory: run.logDirectory, follow: false, ...options }
    for await (const line of this.backend.logs(run.id, wanted, this.signal)) lines.push(line)
    return lines
  }

  readonly declares = (feature: BackendFeature) => this.backend.features.has(feature)

  private get parts() {
    if (!this.opened) throw new Error('the backend of the suite is not open yet')
    return this.opened
  }
}

const userId = 200_123
