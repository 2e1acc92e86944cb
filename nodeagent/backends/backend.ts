/**
 * What runs workloads on a node. Every backend meets this interface and its contract suite
 * (contract/backend.contract.ts), declares in `features` what it can do, and refuses the rest. A backend keeps no state
 * of its own that a restart of the agent would lose: what runs is found again by `observe`.
 */
import type { Duplex } from 'node:stream'
import type { Task } from '../../lib/api/kinds/task.js'
import type { ExecOrder, ExecSession } from './exec-session.js'
import type { MachineAddress } from './machine-backend.js'

export type BackendFeature =
  | 'image'
  | 'mounts'
  | 'memoryLimit'
  | 'cpuLimit'
  | 'suspend'
  | 'privileged'
  | 'exec'
  | 'separateUser'
  | 'ports'
  | 'numa'
  | 'gpus'
  /** Joins the node's bridge, with the address that the run was given. */
  | 'addresses'

/** Names one run of one attempt of one workload: the identity that labels and file names carry. */
export interface RunId {
  readonly uid: string
  readonly attempt: number
  /** Counts restarts in place. */
  readonly run: number
}

/** Everything that is needed to start a run; secrets and config maps are already read. */
export interface RunSpec {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
  readonly spec: Task['spec']
  /** The whole environment, resolved. */
  readonly env: Readonly<Record<string, string>>
  /** Volumes that the spec mounts, in its order. */
  readonly mounts: readonly RunMount[]
  /** The attempt's own directory, for backends that need one (a process's home); absent for the others. */
  readonly homeDirectory?: string
  /** Where the run's log files go, for backends whose logs are the agent's files. */
  readonly logDirectory: string
  /** The user that the attempt runs as, where the backend's isolation is `user`. */
  readonly userId?: number
  /** The NUMA node whose CPUs and memory the run has, alone. */
  readonly numaNode?: number
  /** The run's place in the network of its node; absent: the backend's own network. */
  readonly address?: MachineAddress
  /** The GPUs that the run has, and no others; absent on a node without any. */
  readonly gpus?: readonly RunGpu[]
}

/** A GPU of the node. */
export interface RunGpu {
  readonly index: number
  readonly uuid?: string
}

/** A volume (or a path in it) that a run sees. */
export interface RunMount {
  readonly volume: string
  /** The directory or file on the node, made and checked by the agent. */
  readonly source: string
  /** Where it appears; absent with backends that have no mounts. */
  readonly target?: string
  readonly readOnly: boolean
}

export type RunFailure = 'CommandNotFound' | 'StartFailed' | 'RunLost'

export interface RunExit {
  readonly exitCode: number
  /** As SIGKILL. */
  readonly signal?: string
  readonly oomKilled: boolean
  /** Wall clock, milliseconds since the epoch. */
  readonly finishedAtMs: number
  /** Set when the command never ran (the exit code is then 126 or 127, as a shell has it), or when its end went unseen (255). */
  readonly failure?: { readonly reason: RunFailure; readonly message: string }
}

/** What is on the node of one run, as observed. */
export interface ObservedRun {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
  /** created: made but never started; unknown: its end was seen, its exit was not. */
  readonly state: 'created' | 'running' | 'paused' | 'exited' | 'unknown'
  /** The backend's own name: a container id, a pid. */
  readonly runtimeId: string
  readonly startedAtMs?: number
  readonly exit?: RunExit
  readonly address?: string
}

/** What has been used since it began, and how much memory is in use now: rates are made of two of these. */
export interface UsageCounters {
  /** CPU time, nanoseconds. Never falls but when it begins anew. */
  readonly cpuNanos: number
  /** Without caches that the kernel can drop. */
  readonly memoryBytes: number
}

/** What a running run uses. */
export interface RunUsage extends UsageCounters {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
}

/** What keeps workloads apart. */
export type Isolation = 'container' | 'vm' | 'user' | 'none'

export interface BackendInfo {
  readonly available: boolean
  readonly version?: string
  readonly isolation: Isolation
  readonly limits: 'enforced' | 'watched' | 'none'
  /** Why it is not available, in words. */
  readonly message?: string
  readonly images?: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]
}

export interface Backend {
  readonly name: 'docker' | 'process' | 'qemu' | 'hollow'
  readonly features: ReadonlySet<BackendFeature>
  readonly isolation: Isolation

  info(signal: AbortSignal): Promise<BackendInfo>
  /** Everything of this agent that is on the node, running or not; with `uid`, of that workload alone. The truth; events are hints. */
  observe(signal: AbortSignal, uid?: string): Promise<readonly ObservedRun[]>
  /** What runs use that run now; with `uid`, those of that workload alone. Absent: nobody knows. */
  usage?(signal: AbortSignal, uid?: string): Promise<readonly RunUsage[]>
  /** Calls `onHint` when something may have changed. Returns how to stop. */
  subscribe(onHint: () => void): () => void

  /** Makes sure the image is present. `policy` is resolved. Rejects with BackendError. */
  prepareImage(
    image: string,
    policy: 'Always' | 'IfNotPresent' | 'Never',
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Creates and starts. Idempotent by RunId: a run that exists is left as it is. A command that cannot be
   * run is no rejection, but a run that exited with a `failure`.
   */
  start(run: RunSpec, signal: AbortSignal): Promise<void>
  /**
   * Polite signal first; kills after `graceMs`. Resolves when the run has ended; one in state `unknown` is made an exited one. Idempotent.
   */
  stop(id: RunId, graceMs: number, signal: AbortSignal): Promise<void>
  pause(id: RunId, signal: AbortSignal): Promise<void>
  resume(id: RunId, signal: AbortSignal): Promise<void>
  /**
   * Removes all that is left of a run, running or not: processes, container,
   * backend files. Idempotent. Log and volume files are the agent's.
   */
  remove(id: RunId, signal: AbortSignal): Promise<void>
  /** Runs a probe command in the workload; resolves with its exit code. */
  exec(id: RunId, command: readonly string[], signal: AbortSignal): Promise<{ exitCode: number; output: string }>
  /**
   * Starts a command beside the run, for somebody who looks on. Rejects with
   * BackendError; a command that cannot be run ends with 126 or 127.
   */
  openExec(id: RunId, order: ExecOrder, signal: AbortSignal): Promise<ExecSession>
  /**
   * Connects to a port that the run listens on; by udp, with datagrams framed (lib/stream/datagrams.ts). Rejects with NotListening or
   * BackendError, in words for whoever forwards the port.
   */
  dialPort(id: RunId, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex>
  /**
   * The lines that the run wrote, oldest first; ends after the last one, or,
   * with `follow`, when the run has ended. Reads as it is iterated.
   */
  logs(id: RunId, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>
  close(): Promise<void>
}

export interface LogOptions {
  readonly logDirectory: string
  readonly follow: boolean
  /** Only the last so many lines of what is there. */
  readonly tailLines?: number
  /** Only lines written at or after this, milliseconds since the epoch. */
  readonly sinceMs?: number
}

/** What a run wrote: a line with its line feed, or a piece of a long or unfinished one without. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** A failure that the Task's status shows: `reason` becomes the condition's reason. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  constructor(
    readonly reason:
      | 'ImagePullFailed'
      | 'ImageNotFound'
      | 'InvalidImageName'
      | 'CreateFailed'
      | 'StartFailed'
      | 'Unsupported'
      | 'BackendUnavailable'
      | 'PortTaken'
      | 'CommandNotFound',
    message: string,
    /** Whether trying again may help. */
    readonly retryable: boolean,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}
