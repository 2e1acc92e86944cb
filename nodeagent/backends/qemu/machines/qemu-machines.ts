/**
 * Virtual machines that stay: a qcow2 disk over the image, a cloud-init seed, and one QEMU process while it runs,
 * which outlives the agent. Its one rule: what is there is what the files and processes of a machine's uid say, so
 * that an agent which was killed at any step goes on from them.
 *
 *     DIRECTORY/machines/UID/     see machine-files.ts        DIRECTORY/snapshots/UID/    see snapshot-store.ts
 *     DIRECTORY/machine-runs/     see vm-processes.ts         DIRECTORY/images/           see images/image-store.ts
 */
import path from 'node:path'
import { type Duplex, Readable } from 'node:stream'
import type { Vps } from '../../../../lib/api/kinds/vps.js'
import type { Logger } from '../../../../lib/base/log.js'
import type { GuestFence } from '../../../network/guest-fence.js'
import type { UserRange } from '../../../users/workload-users.js'
import { BackendError, type BackendInfo, type RunGpu } from '../../backend.js'
import type { Cgroups } from '../../cgroups/cgroups.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import type {
  DiskSource,
  MachineAmounts,
  MachineBackend,
  MachineFeature,
  MachineSpec,
  MachineUsage,
  ObservedMachine,
  ObservedSnapshot,
} from '../../machine-backend.js'
import { Semaphore } from '../../semaphore.js'
import { machineKeys } from '../cloud-init/machine-keys.js'
import type { ImageRules } from '../images/fetch-image.js'
import { ImageStore } from '../images/image-store.js'
import { describeEngine, findQemu, type QemuEngine } from '../qemu-engine.js'
import { programRunner, type RunProgram } from '../run-program.js'
import { type BootParts, bootMachine } from './boot-machine.js'
import { MachineBases } from './machine-bases.js'
import { MachineCopies } from './machine-copies.js'
import { machineDemands } from './machine-demands.js'
import { MachineDisks, requireSize } from './machine-disks.js'
import { MachineFiles } from './machine-files.js'
import { MachineGpus } from './machine-gpus.js'
import { MachineLife } from './machine-life.js'
import { MachineSessions } from './machine-sessions.js'
import { MachineUsers } from './machine-users.js'
import { SnapshotStore } from './snapshot-store.js'

export interface QemuMachinesOptions {
  /** The backend's own; its parts are named above. */
  readonly directory: string
  /** Where the node's owner puts images. */
  readonly imageDirectory: string
  readonly searchPath: string
  /** The QEMU that runs machines: a path, or the name of a program. */
  readonly binary?: string
  /** Certificates that are trusted for https:// images, as PEM; absent: those of the machine. */
  readonly imageAuthorities?: string | undefined
  /** What is fetched for whoever names an https:// image. */
  readonly imageRules: ImageRules
  /** Makes the tap of a machine that has an address, joined to the node's bridge, and removes it; see nodeagent/network. */
  readonly addTap: (uid: string, userId: number | undefined, signal: AbortSignal) => Promise<string>
  readonly removeTap: (uid: string, signal: AbortSignal) => Promise<void>
  /** Where a GPU is on the PCI bus. */
  readonly pciAddressOf: (gpu: RunGpu) => string | undefined
  /** Where sysfs is mounted. */
  readonly sys?: string
  /** Whom the QEMUs of machines become, each a user of its own: the agent must be root. Undefined: they stay the agent's. */
  readonly users: UserRange | undefined
  /** Undefined: the agent may make no groups, and a guest gets as much CPU as its processors take. */
  readonly cgroups: Cgroups | undefined
  /** What keeps guests from the services of their node. */
  readonly fence: GuestFence
  readonly log: Logger
}

const program = 'qemu-system-x86_64'

export class QemuMachines implements MachineBackend {
  readonly name = 'qemu'
  readonly machineFeatures: ReadonlySet<MachineFeature> = new Set<MachineFeature>([
    'console',
    'diskSize',
    'userData',
    'reset',
    'gpus',
    'numa',
  ])
  private readonly files: MachineFiles
  private readonly images: ImageStore
  private readonly disks: MachineDisks
  private readonly snapshots: SnapshotStore
  private readonly bases: MachineBases
  private readonly copies: MachineCopies
  private readonly gpus: MachineGpus
  private readonly sessions: MachineSessions
  private readonly bootParts: BootParts
  /** One at a time of what changes a machine. */
  private readonly turns = new Map<string, Semaphore>()
  private readonly run: RunProgram

  private constructor(
    private readonly options: QemuMachinesOptions,
    private readonly life: MachineLife,
    private readonly users: MachineUsers,
  ) {
    this.run = programRunner(options.searchPath)
    this.files = life.files
    this.images = new ImageStore({
      imageDirectory: options.imageDirectory,
      directory: path.join(options.directory, 'images'),
      ca: options.imageAuthorities,
      rules: options.imageRules,
    })
    this.disks = new MachineDisks(this.run)
    this.snapshots = new SnapshotStore(path.join(options.directory, 'snapshots'), this.disks)
    this.bases = new MachineBases(this.images, this.files, this.snapshots, options.log)
    const { files, images, disks, snapshots, bases } = this
    this.copies = new MachineCopies({ files, images, disks, snapshots, bases, life })
    this.gpus = new MachineGpus({ files, sys: options.sys ?? '/sys', pciAddressOf: options.pciAddressOf })
    this.sessions = new MachineSessions(files, life)
    this.bootParts = { files, disks, bases, gpus: this.gpus, users, life, run: this.run, addTap: options.addTap }
  }

  static async open(options: QemuMachinesOptions): Promise<QemuMachines> {
    const files = new MachineFiles(path.join(options.directory, 'machines'))
    const runs = path.join(options.directory, 'machine-runs')
    const { searchPath, cgroups, fence, log } = options
    const users = await MachineUsers.open(files, options.users, log)
    const machines = new QemuMachines(options, await MachineLife.open({ files, runs, searchPath, cgroups, fence }), users)
    await machines.snapshots.clear()
    return machines
  }

  async info(signal: AbortSignal): Promise<BackendInfo> {
    const common = { isolation: 'vm', limits: 'enforced' } as const
    const engine = await this.findEngine()
    if ('missing' in engine) return { ...common, available: false, message: engine.missing }
    for (const tool of ['qemu-img', 'genisoimage']) {
      const missing = await this.run(tool, ['--version'], signal).then(
        () => false,
        () => true,
      )
      if (missing)
        return {
          ...common,
          available: false,
          message: `${tool} is not installed; on Debian and Ubuntu: apt-get install qemu-utils genisoimage`,
        }
    }
    const images = await this.images.list()
    return {
      ...common,
      available: true,
      version: engine.version,
      message: `${describeEngine(engine)}${await this.options.fence.hole()}`,
      images,
    }
  }

  async observeMachines(_signal: AbortSignal, uid?: string): Promise<readonly ObservedMachine[]> {
    const uids = uid === undefined ? await this.life.uids() : [uid]
    const observed = await Promise.all(uids.map((each) => this.life.observe(each)))
    return observed.filter((machine) => machine !== undefined)
  }

  machineUsage(_signal: AbortSignal, uid?: string): Promise<readonly MachineUsage[]> {
    return this.life.usage(uid)
  }

  subscribe(onHint: () => void): () => void {
    return this.life.subscribe(onHint)
  }

  async prepareMachineImage(spec: Vps['spec'], onProgress: (text: string) => void, signal: AbortSignal): Promise<void> {
    await this.images.prepare(spec, onProgress, signal)
  }

  createMachine(machine: MachineSpec, source: DiskSource, signal: AbortSignal): Promise<void> {
    return this.inTurn(machine.uid, signal, async () => {
      const { uid, namespace, name } = machine
      if (await this.files.hasDisk(uid)) return
      await this.files.write(uid, { namespace, name })
      await machineKeys(this.files.folder(uid))
      if (source.type === 'snapshot') await this.copies.putBack(machine, { namespace, name }, source, signal)
      else {
        const base = await this.images.prepare(
          machine.spec,
          () => {},
          signal,
          (key) => this.files.write(uid, { namespace, name, base: key }),
        )
        requireSize(machineDemands(machine.spec).diskBytes, base, machine.spec.image)
        await this.disks.overlay(this.files.disk(uid), base, signal)
      }
    })
  }

  startMachine(machine: MachineSpec, signal: AbortSignal): Promise<void> {
    return this.inTurn(machine.uid, signal, async () => {
      const { uid } = machine
      const observed = await this.life.observe(uid)
      if (observed?.state === 'running') return
      const record = await this.files.read(uid)
      if (!record || !(await this.files.hasDisk(uid))) throw new BackendError('StartFailed', 'the machine has no disk', true)
      const engine = await this.findEngine()
      if ('missing' in engine) throw new BackendError('BackendUnavailable', engine.missing, true)
      await bootMachine(machine, record, engine, this.bootParts, signal)
    })
  }

  async stopMachine(uid: string, graceMs: number, signal: AbortSignal): Promise<void> {
    // Not in turn: who wants it stopped does not wait for a snapshot of it.
    await this.life.end(uid, graceMs, signal)
    const record = await this.files.read(uid)
    if (!record) return
    await this.gpus.giveBack(uid)
    if (record.address !== undefined) await this.options.removeTap(uid, signal)
  }

  async resetMachine(uid: string, signal: AbortSignal): Promise<void> {
    await this.life.ask(uid, (qmp) => qmp.execute('system_reset', {}, { signal }), signal)
    this.life.forgetWayIn(uid)
  }

  amountsAtStart(spec: Vps['spec']): MachineAmounts {
    return machineDemands(spec)
  }

  async resizeMachine(): Promise<void> {
    throw new BackendError('Unsupported', 'a virtual machine gets other CPU and memory at its next start', false)
  }

  async removeMachine(uid: string, signal: AbortSignal): Promise<void> {
    await this.life.clear(uid, signal)
    await this.inTurn(uid, signal, async () => {
      await this.life.clear(uid, signal)
      await this.giveBackGpus(uid)
      await this.options.removeTap(uid, signal)
      await this.files.remove(uid)
      this.users.release(uid)
    })
    this.turns.delete(uid)
    this.sessions.forget(uid)
    await this.bases.removeUnused()
  }

  openMachineExec(uid: string, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    return this.sessions.exec(uid, order, signal)
  }

  dialMachine(uid: string, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    return this.sessions.dial(uid, port, protocol, signal)
  }

  openMachineFiles(uid: string, signal: AbortSignal): Promise<Duplex> {
    return this.sessions.openFiles(uid, signal)
  }

  openMachineConsole(uid: string, signal: AbortSignal): Promise<Duplex> {
    return this.sessions.openConsole(uid, signal)
  }

  machineLogs(uid: string, options: { readonly follow: boolean; readonly tailLines?: number }, signal: AbortSignal): Readable {
    return Readable.from(this.life.consoleLog(uid, options, signal), { objectMode: false })
  }

  takeSnapshot(uid: string, snapshotUid: string, signal: AbortSignal): Promise<ObservedSnapshot> {
    return this.inTurn(uid, signal, () => this.copies.take(uid, snapshotUid, signal))
  }

  observeSnapshots(): Promise<readonly ObservedSnapshot[]> {
    return this.snapshots.observeAll()
  }

  async removeSnapshot(snapshotUid: string): Promise<void> {
    await this.snapshots.remove(snapshotUid)
    await this.bases.removeUnused()
  }

  restoreMachine(machine: MachineSpec, source: Extract<DiskSource, { type: 'snapshot' }>, signal: AbortSignal): Promise<void> {
    return this.inTurn(machine.uid, signal, async () => {
      const observed = await this.life.observe(machine.uid)
      if (observed?.state === 'running')
        throw new BackendError('CreateFailed', 'the machine runs; it is stopped before it is restored', true)
      const { namespace, name } = machine
      await this.copies.putBack(machine, { ...((await this.files.read(machine.uid)) ?? { namespace, name }) }, source, signal)
    })
  }

  exportSnapshot(snapshotUid: string, signal: AbortSignal) {
    return this.inTurn(snapshotUid, signal, async () => {
      const base = await this.bases.of((await this.snapshots.read(snapshotUid))?.base)
      return this.snapshots.pack(snapshotUid, base, signal)
    })
  }

  importSnapshot(file: string, snapshotUid: string, machineUid: string, signal: AbortSignal): Promise<void> {
    return this.inTurn(snapshotUid, signal, () => this.snapshots.take(file, snapshotUid, machineUid))
  }

  /** Machines go on. */
  async close(): Promise<void> {
    this.bases.close()
    await this.life.close()
  }

  /** Of a machine that goes. It does so too when nobody knows any more which ones it had. */
  private async giveBackGpus(uid: string): Promise<void> {
    const unreadable = await this.files.read(uid).then(
      () => undefined,
      (error: Error) => error,
    )
    if (!unreadable) return this.gpus.giveBack(uid)
    this.options.log.error({ err: unreadable, vm: uid }, 'the machine is removed; GPUs that it had, if any, stay with vfio-pci')
  }

  private findEngine(): Promise<QemuEngine | { readonly missing: string }> {
    const { binary = program, directory, searchPath } = this.options
    return findQemu({ binary, directory, searchPath })
  }

  private inTurn<T>(uid: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    const turn = this.turns.get(uid) ?? new Semaphore(1)
    this.turns.set(uid, turn)
    return turn.run(signal, act)
  }
}
