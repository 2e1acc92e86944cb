/**
 * What keeps machines on a node: containers that stay, and virtual machines. A machine is one Vps's: it has a disk that outlives its stops,
 * and it runs or does not. Every machine backend meets this interface and its contract suite (machine-backend.contract.ts), declares in
 * `features` what it can do, and refuses the rest with BackendError `Unsupported`. It keeps no state that a restart of the agent would
 * lose: what is there is found again by `observe`, and whatever it makes carries the machine's uid.
 */
import type { Duplex, Readable } from 'node:stream'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { BackendInfo, RunGpu, UsageCounters } from './backend.js'
import type { ExecOrder, ExecSession } from './exec-session.js'

export type MachineFeature = 'console' | 'diskSize' | 'userData' | 'reset' | 'resizeWhileRunning' | 'gpus' | 'numa' | 'privileged'

/** A machine's place in the network of its node. */
export interface MachineAddress {
  /** As 172.30.0.5. */
  readonly address: string
  readonly prefixLength: number
  readonly gateway: string
  /** The bridge of the node that it is joined to. */
  readonly bridge: string
  /** Made from the uid, so that it is the same at every start. */
  readonly mac: string
}

/** Everything that is needed to make and start a machine; what it refers to is already read. */
export interface MachineSpec {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly spec: Vps['spec']
  /** Absent where the node has no bridge: a virtual machine then has user-mode networking, a container the engine's. */
  readonly address?: MachineAddress
  /** Who may log in, as lines of authorized_keys. */
  readonly authorizedKeys: readonly string[]
  readonly numaNode?: number
  readonly gpus?: readonly RunGpu[]
}

/** Whether a machine lets people in; why not, in words. */
export interface GuestAnswer {
  readonly isReady: boolean
  readonly message: string
}

/** What a machine is given by a start; absent is what is not bounded, or the image's. */
export type MachineAmounts = Pick<ObservedMachine, 'cpuMillis' | 'memoryBytes' | 'diskBytes'>

/** What is on the node of one machine, as observed. */
export interface ObservedMachine {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** partial: its making was cut off, and `create` goes on with it; stopped: it has its disk. */
  readonly state: 'partial' | 'stopped' | 'running'
  /** The backend's own name: a container id, a pid. */
  readonly runtimeId?: string
  /** Wall clock, milliseconds since the epoch. */
  readonly startedAtMs?: number
  readonly stoppedAtMs?: number
  /** What it runs with, or would be started with as it is. */
  readonly cpuMillis?: number
  readonly memoryBytes?: number
  readonly diskBytes?: number
  readonly address?: string
  /** The snapshot that its disk was last made of, with the request. */
  readonly restoredFrom?: { readonly name: string; readonly request?: string }
  /** Why it ended by itself, in words. */
  readonly message?: string
  /** Of one that runs and boots; absent where nothing boots, or nothing is known yet. */
  readonly answer?: GuestAnswer
  /** Of one that runs and yet does nothing until the node has room for what it writes: why, in words. */
  readonly held?: string
}

/** What a running machine uses. */
export interface MachineUsage extends UsageCounters {
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

/** Where a new disk comes from: the image, or a snapshot that lies on this node. */
export type DiskSource =
  | { readonly type: 'image' }
  | { readonly type: 'snapshot'; readonly snapshotUid: string; readonly name: string; readonly request?: string }

/** A snapshot on the node. Its uid is that of the VpsSnapshot, or of the copy that was fetched. */
export interface ObservedSnapshot {
  readonly uid: string
  readonly machineUid: string
  readonly sizeBytes: number
  readonly takenAtMs: number
}

export interface MachineBackend {
  readonly name: 'docker' | 'qemu'
  readonly machineFeatures: ReadonlySet<MachineFeature>

  info(signal: AbortSignal): Promise<BackendInfo>
  /** Everything of this agent that is on the node; with `uid`, of that machine alone. The truth; events are hints. */
  observeMachines(signal: AbortSignal, uid?: string): Promise<readonly ObservedMachine[]>
  /** What machines use that run now; with `uid`, that machine alone. */
  machineUsage(signal: AbortSignal, uid?: string): Promise<readonly MachineUsage[]>
  subscribe(onHint: () => void): () => void

  /** Makes sure the image is present and is what its checksum says. Rejects with BackendError. */
  prepareMachineImage(spec: Vps['spec'], onProgress: (text: string) => void, signal: AbortSignal): Promise<void>
  /** Makes the disk, and everything but the start. Idempotent by uid. */
  createMachine(machine: MachineSpec, source: DiskSource, signal: AbortSignal): Promise<void>
  /** Starts it with the resources, keys and address that `machine` says now; its disk grows to diskSize. Idempotent. */
  startMachine(machine: MachineSpec, signal: AbortSignal): Promise<void>
  /** Polite end first; kills after `graceMs`. Resolves when it has ended; disk and all stay. Idempotent. */
  stopMachine(uid: string, graceMs: number, signal: AbortSignal): Promise<void>
  /** As the reset button: feature `reset`. */
  resetMachine(uid: string, signal: AbortSignal): Promise<void>
  /** What a start would give a machine now; absent where a running one is given other resources. */
  amountsAtStart?(spec: Vps['spec']): MachineAmounts
  /** Gives a running machine the resources of the spec: feature `resizeWhileRunning`. */
  resizeMachine(machine: MachineSpec, signal: AbortSignal): Promise<void>
  /** Removes all that is left of it, running or not, but its snapshots: process, container, disk, files. Idempotent. */
  removeMachine(uid: string, signal: AbortSignal): Promise<void>

  /** Starts a command in it. `command` empty: the login shell of the machine's user. Rejects with BackendError. */
  openMachineExec(uid: string, order: ExecOrder, signal: AbortSignal): Promise<ExecSession>
  /** Connects to a port that it listens on. udp: see lib/stream/datagrams.ts. Rejects with NotListening or BackendError. */
  dialMachine(uid: string, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex>
  /** An SFTP (version 3) server of its files, as a stream. */
  openMachineFiles(uid: string, signal: AbortSignal): Promise<Duplex>
  /** Its serial console; several may look on: feature `console`. */
  openMachineConsole(uid: string, signal: AbortSignal): Promise<Duplex>
  /** The last lines that it said (console or first process), for `logs`. */
  machineLogs(uid: string, options: { readonly follow: boolean; readonly tailLines?: number }, signal: AbortSignal): Readable

  /** Copies the disk as it is now, running or not. Idempotent by snapshotUid; a copy that was cut off leaves nothing. */
  takeSnapshot(uid: string, snapshotUid: string, signal: AbortSignal): Promise<ObservedSnapshot>
  observeSnapshots(signal: AbortSignal): Promise<readonly ObservedSnapshot[]>
  /** Others stay whole. Idempotent. */
  removeSnapshot(snapshotUid: string, signal: AbortSignal): Promise<void>
  /** Puts the disk of a stopped machine back. A restore that was cut off is done again; the machine does not start in between. */
  restoreMachine(machine: MachineSpec, source: Extract<DiskSource, { type: 'snapshot' }>, signal: AbortSignal): Promise<void>
  /** The snapshot as a file on this node, whole and without need of others: the same bytes at every call. Made at the first. */
  exportSnapshot(
    snapshotUid: string,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly sizeBytes: number; readonly digest: string }>
  /** Takes a file that another node exported, and removes it. Idempotent by snapshotUid. */
  importSnapshot(path: string, snapshotUid: string, machineUid: string, signal: AbortSignal): Promise<void>

  /** Ends what this object does beside its calls; machines go on. */
  close(): Promise<void>
}
