/** The processes of machines, and the ways into those that run. */
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { GuestFence } from '../../../network/guest-fence.js'
import { BackendError, type RunId } from '../../backend.js'
import type { Cgroups } from '../../cgroups/cgroups.js'
import type { GuestAnswer, MachineSpec, MachineUsage, ObservedMachine } from '../../machine-backend.js'
import { readLogFiles } from '../../supervision/log-files.js'
import { readMachineKeys } from '../cloud-init/machine-keys.js'
import { readSpace } from '../images/free-space.js'
import { type QmpClient, QmpError } from '../qmp-client.js'
import { describeVmEnd, readLastWords } from '../vm-end.js'
import { type ObservedVm, type VmLaunch, VmProcesses } from '../vm-processes.js'
import { untilAnswers } from './guest-answers.js'
import { GuestSsh } from './guest-ssh.js'
import { GuestWatch } from './guest-watch.js'
import type { MachineFiles } from './machine-files.js'
import { sshForward } from './user-network.js'
import { readVirtualBytes } from './virtual-bytes.js'
import { type WatchedDisk, watchRoom } from './watch-room.js'

export interface MachineLifeOptions {
  readonly files: MachineFiles
  /** Where the records of processes lie. */
  readonly runs: string
  readonly searchPath: string
  readonly cgroups: Cgroups | undefined
  readonly fence: GuestFence
}

const launchMs = 60_000
const pollMs = 100
const sshPort = 22

export class MachineLife {
  /** By uid and process: a machine that was started anew is reached anew. */
  private readonly waysIn = new Map<string, { readonly pid: number | undefined; readonly ssh: GuestSsh }>()

  private readonly answers = new GuestWatch<GuestAnswer>((uid, tell, signal) => untilAnswers(() => this.check(uid, signal), tell, signal))
  private readonly holds = new GuestWatch<string | undefined>((uid, tell, signal) => {
    const ask: WatchedDisk['ask'] = (question, until) => this.ask(uid, question, until)
    return watchRoom({ ask, folder: this.files.folder(uid), readSpace }, tell, signal)
  })

  private constructor(
    private readonly options: MachineLifeOptions,
    private readonly processes: VmProcesses,
  ) {}

  static async open(options: MachineLifeOptions): Promise<MachineLife> {
    const { runs, searchPath, cgroups, fence } = options
    return new MachineLife(options, await VmProcesses.open({ directory: runs, searchPath, cgroups, fence }))
  }

  get files(): MachineFiles {
    return this.options.files
  }

  /** A machine has one process, and its record goes before the next one is started. */
  idOf(uid: string): RunId {
    return { uid, attempt: 0, run: 0 }
  }

  /** Every machine of which a file or a process is there. */
  async uids(): Promise<string[]> {
    const running = (await this.processes.observe()).map(({ id }) => id.uid)
    return [...new Set([...(await this.files.uids()), ...running])]
  }

  subscribe(onHint: () => void): () => void {
    const ends = [this.processes, this.answers, this.holds].map((source) => source.subscribe(onHint))
    return () => {
      for (const end of ends) end()
    }
  }

  /** Of those that run; with `uid`, of that one alone. */
  async usage(uid?: string): Promise<readonly MachineUsage[]> {
    return (await this.processes.usage(uid)).map(({ id, ...used }) => ({ uid: id.uid, ...used }))
  }

  /** Undefined when nothing of it is there. */
  async observe(uid: string): Promise<ObservedMachine | undefined> {
    // One record that cannot be read hides no other machine: of its own what files and processes say is shown.
    const [vm, record] = await Promise.all([this.processes.find(this.idOf(uid)), this.files.read(uid).catch(() => undefined)])
    if (!record && !vm && !(await this.files.uids()).includes(uid)) return undefined
    const { namespace = vm?.namespace ?? '', name = vm?.name ?? '' } = record ?? {}
    const diskBytes = await readVirtualBytes(this.files.disk(uid)).catch(() => undefined)
    const isRunning = vm?.state === 'running'
    if (!isRunning) for (const watch of [this.answers, this.holds]) watch.forget(uid)
    const pid = isRunning ? vm.pid : undefined
    const answer = pid === undefined ? undefined : this.answers.of(uid, pid)
    const held = pid === undefined ? undefined : this.holds.of(uid, pid)
    return {
      uid,
      namespace,
      name,
      state: isRunning ? 'running' : diskBytes === undefined ? 'partial' : 'stopped',
      ...(pid === undefined ? {} : { runtimeId: String(pid) }),
      ...(vm?.startedAtMs === undefined ? {} : { startedAtMs: vm.startedAtMs }),
      ...(vm?.exit ? { stoppedAtMs: vm.exit.finishedAtMs } : {}),
      ...(record?.cpuMillis === undefined ? {} : { cpuMillis: record.cpuMillis }),
      ...(record?.memoryBytes === undefined ? {} : { memoryBytes: record.memoryBytes }),
      ...(diskBytes === undefined ? {} : { diskBytes }),
      ...(record?.address === undefined ? {} : { address: record.address }),
      ...(record?.restoredFrom === undefined ? {} : { restoredFrom: record.restoredFrom }),
      ...(answer ? { answer } : {}),
      ...(held === undefined ? {} : { held }),
      ...(await this.endOf(uid, vm)),
    }
  }

  /** Starts its process, and resolves once QEMU answers. Rejects with BackendError when it ended at once. */
  async launch(
    { uid, namespace, name }: MachineSpec,
    how: Pick<VmLaunch, 'command' | 'userId' | 'limits'>,
    signal: AbortSignal,
  ): Promise<void> {
    const id = this.idOf(uid)
    await this.processes.launch(
      { ...how, id, namespace, name, directory: this.files.folder(uid), logFile: this.files.consoleLog(uid) },
      signal,
    )
    const deadline = systemClock.monotonic() + launchMs
    for (;;) {
      const vm = await this.processes.find(id)
      if (vm?.state !== 'running') {
        const { message = 'its process went' } = await this.endOf(uid, vm)
        throw new BackendError('StartFailed', message, true)
      }
      const answer = await this.processes.connect(id, signal).catch((error) => {
        if (error instanceof QmpError && systemClock.monotonic() < deadline) return undefined
        throw error
      })
      if (answer) return answer.close()
      await sleep(systemClock, pollMs, signal)
    }
  }

  /** Politely, then with force. Idempotent. */
  async end(uid: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.processes.end(this.idOf(uid), graceMs, signal)
    this.forgetWayIn(uid)
  }

  /** Ends what is left of a process, and forgets it. */
  async clear(uid: string, signal: AbortSignal): Promise<void> {
    await this.processes.remove(this.idOf(uid), signal)
    this.forgetWayIn(uid)
  }

  /** Asks QEMU. Rejects with BackendError when the machine does not run. */
  async ask<T>(uid: string, question: (qmp: QmpClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    const qmp = await this.processes.connect(this.idOf(uid), signal).catch((cause) => {
      signal.throwIfAborted()
      throw new BackendError('StartFailed', (cause as Error).message, true, { cause })
    })
    try {
      return await question(qmp)
    } finally {
      qmp.close()
    }
  }

  /**
   * The address of a running machine in the node's network; undefined with
   * user-mode networking. Rejects with BackendError when it does not run.
   */
  async runningAddress(uid: string): Promise<string | undefined> {
    await this.running(uid)
    return (await this.files.read(uid))?.address
  }

  /** Its sshd. Rejects with BackendError when the machine does not run. */
  async wayIn(uid: string, signal: AbortSignal): Promise<GuestSsh> {
    const { pid } = await this.running(uid)
    const known = this.waysIn.get(uid)
    if (known && known.pid === pid) return known.ssh
    const ssh = await this.makeWayIn(uid, signal)
    this.forgetWayIn(uid)
    this.waysIn.set(uid, { pid, ssh })
    return ssh
  }

  private async check(uid: string, signal: AbortSignal): Promise<void> {
    const ssh = await this.makeWayIn(uid, signal)
    await ssh.check(signal).finally(() => ssh.close())
  }

  private async makeWayIn(uid: string, signal: AbortSignal): Promise<GuestSsh> {
    const keys = await readMachineKeys(this.files.folder(uid))
    if (!keys) throw new BackendError('StartFailed', 'the keys of the machine are not on this node', false)
    const address = (await this.files.read(uid))?.address
    const place =
      address === undefined
        ? { host: '127.0.0.1', port: await sshForward((question, until) => this.ask(uid, question, until), signal) }
        : { host: address, port: sshPort }
    return new GuestSsh(place, keys)
  }

  forgetWayIn(uid: string): void {
    this.waysIn.get(uid)?.ssh.close()
    this.waysIn.delete(uid)
  }

  /** What its serial console said. */
  async *consoleLog(
    uid: string,
    options: { readonly follow: boolean; readonly tailLines?: number },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const hasEnded = async () => (await this.processes.find(this.idOf(uid)))?.state !== 'running'
    const wanted = { ...options, hasEnded, recordFolder: this.options.runs }
    for await (const { bytes } of readLogFiles(this.files.consoleLog(uid), wanted, signal)) yield bytes
  }

  async close(): Promise<void> {
    for (const watch of [this.answers, this.holds]) watch.close()
    for (const { ssh } of this.waysIn.values()) ssh.close()
    await this.processes.close()
  }

  private async running(uid: string): Promise<ObservedVm> {
    const vm = await this.processes.find(this.idOf(uid))
    if (vm?.state !== 'running') throw new BackendError('StartFailed', 'the machine is not running', true)
    return vm
  }

  /** Why it ended, in words. */
  private async endOf(uid: string, vm: ObservedVm | undefined): Promise<{ readonly message?: string }> {
    if (vm?.exit) return { message: describeVmEnd(vm.exit, await readLastWords(this.files.consoleLog(uid))) }
    if (vm?.state === 'unknown') return { message: 'nobody saw how it ended; the node was perhaps booted again' }
    return {}
  }
}
