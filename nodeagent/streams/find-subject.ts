import type { Duplex } from 'node:stream'
import type { AgentParts } from '../agent-parts.js'
import type { Backend, LogLine, ObservedRun } from '../backends/backend.js'
import type { ExecOrder, ExecSession } from '../backends/exec-session.js'
import type { MachineBackend } from '../backends/machine-backend.js'

/** What can have sessions. */
const sessionKinds = ['Task', 'Vps'] as const
export type SessionKind = (typeof sessionKinds)[number]

/** Which workload the server asks about; of a Task, which attempt of it. */
export interface RunSubject {
  readonly kind: SessionKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly attempt: number
}

/**
 * Reads `/…/NAMESPACE/NAME?kind=…&uid=…&attempt=…`; a request that names no kind is about
 * a Task. Throws a RangeError for a kind that has no sessions.
 */
export function parseSubject(namespace: string, name: string, query: URLSearchParams): RunSubject {
  const asked = query.get('kind') ?? 'Task'
  const kind = sessionKinds.find((known) => known === asked)
  if (!kind) throw new RangeError(`kind must be ${sessionKinds.join(' or ')}`)
  return { kind, namespace, name, uid: query.get('uid') ?? '', attempt: Number(query.get('attempt') ?? '0') }
}

/** What has sessions: a run of a Task, or a machine, as it was found. */
export interface SessionSubject {
  /** running, or what it is instead. */
  readonly state: string
  openExec(order: ExecOrder, signal: AbortSignal): Promise<ExecSession>
  /** What it says from now on. */
  listen(signal: AbortSignal): AsyncIterable<LogLine>
  dialPort(port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex>
  /** An SFTP server of its files. Absent: it has none. */
  openFiles?(signal: AbortSignal): Promise<Duplex>
  /** Its serial console. Absent: it has none. */
  openConsole?(signal: AbortSignal): Promise<Duplex>
}

type Parts = Pick<AgentParts, 'backends' | 'machines' | 'files'>

/** Undefined when the node has none. */
export async function findSubject(subject: RunSubject, parts: Parts, signal: AbortSignal): Promise<SessionSubject | undefined> {
  if (subject.kind === 'Vps') {
    const found = await findMachine(subject, parts, signal)
    return found && { state: found.state, ...sessionsOfMachine(found.backend, subject.uid) }
  }
  const found = await findRuns(subject, parts, signal)
  const [run] = found?.runs ?? []
  return found && run && sessionsOfRun(found.backend, run, parts)
}

function sessionsOfRun(backend: Backend, { id, state }: ObservedRun, { files }: Pick<Parts, 'files'>): SessionSubject {
  return {
    state,
    openExec: (order, signal) => backend.openExec(id, order, signal),
    listen: (signal) => backend.logs(id, { logDirectory: files.logs(id), follow: true, tailLines: 0 }, signal),
    dialPort: (port, protocol, signal) => backend.dialPort(id, port, protocol, signal),
  }
}

function sessionsOfMachine(backend: MachineBackend, uid: string): Omit<SessionSubject, 'state'> {
  return {
    openExec: (order, signal) => backend.openMachineExec(uid, order, signal),
    listen: (signal) => machineLines(backend, uid, { follow: true, tailLines: 0 }, signal),
    dialPort: (port, protocol, signal) => backend.dialMachine(uid, port, protocol, signal),
    openFiles: (signal) => backend.openMachineFiles(uid, signal),
    openConsole: (signal) => backend.openMachineConsole(uid, signal),
  }
}

/** What a machine says, as one stream; when it said it, nobody knows. */
export async function* machineLines(
  backend: MachineBackend,
  uid: string,
  options: { readonly follow: boolean; readonly tailLines?: number },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  for await (const bytes of backend.machineLogs(uid, options, signal)) yield { time: '', stream: 'stdout', bytes: bytes as Buffer }
}

/** The machine, and the backend that has it. Undefined when the node has none. */
export async function findMachine(
  { namespace, name, uid }: RunSubject,
  { machines }: Pick<AgentParts, 'machines'>,
  signal: AbortSignal,
): Promise<{ readonly backend: MachineBackend; readonly state: string } | undefined> {
  return await firstThatHas(machines.values(), async (backend) => {
    const [machine] = await backend.observeMachines(signal, uid)
    return machine?.namespace === namespace && machine.name === name ? { backend, state: machine.state } : undefined
  })
}

/** The runs of an attempt, the newest first, and the backend that has them. */
export interface FoundRuns {
  readonly backend: Backend
  readonly runs: readonly ObservedRun[]
}

/** Undefined when the node has none. */
export async function findRuns(
  { namespace, name, uid, attempt }: RunSubject,
  { backends }: Pick<AgentParts, 'backends'>,
  signal: AbortSignal,
): Promise<FoundRuns | undefined> {
  return await firstThatHas(backends.values(), async (backend) => {
    const runs = (await backend.observe(signal, uid))
      .filter((run) => run.id.uid === uid && run.id.attempt === attempt && run.namespace === namespace && run.name === name)
      .sort((a, b) => b.id.run - a.id.run)
    return runs.length > 0 ? { backend, runs } : undefined
  })
}

/**
 * What the first backend that has it says of it. One that cannot be asked hides
 * nothing that another has; its failure is told when no other has it.
 */
async function firstThatHas<B, Found>(backends: Iterable<B>, look: (backend: B) => Promise<Found | undefined>): Promise<Found | undefined> {
  const failures: unknown[] = []
  for (const backend of backends) {
    try {
      const found = await look(backend)
      if (found !== undefined) return found
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return undefined
}
