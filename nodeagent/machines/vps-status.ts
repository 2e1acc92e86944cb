import { type Condition, findCondition, withCondition } from '../../lib/api/condition.js'
import type { Vps, VpsStatus } from '../../lib/api/kinds/vps.js'
import { vpsPhase } from '../../lib/api/vps-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import type { MachineAmounts, ObservedMachine } from '../backends/machine-backend.js'
import type { StepFailure } from '../steps/step-failure.js'
import type { MachineActual } from './machine-actual.js'
import type { MachineStepType } from './machine-step.js'
import { isDiskLost, isLeaving, restoreWished } from './machine-wishes.js'

/** What the agent says about a Vps: pure, from the Vps as the API has it and what is there. Conditions and fields of others are kept. */
export function vpsStatus(vps: Vps, actual: MachineActual, nowMs: number): VpsStatus {
  const machine = actual.machine?.state === 'partial' ? undefined : actual.machine
  let conditions: readonly Condition[] = vps.status?.conditions ?? []
  const said = saidOf(vps, actual, machine)
  // It waits for nothing any more.
  if (!said.some(({ type }) => type === 'ResizePending')) conditions = conditions.filter(({ type }) => type !== 'ResizePending')
  for (const each of said) conditions = withCondition(conditions, { ...each, observedGeneration: vps.metadata.generation }, nowMs)
  return {
    ...vps.status,
    conditions: [...conditions],
    phase: vpsPhase(conditions),
    observedGeneration: vps.metadata.generation,
    ...(actual.record ? { starts: actual.record.starts } : {}),
    ...(machine ? machineFields(machine) : {}),
  }
}

function machineFields(machine: ObservedMachine): Partial<VpsStatus> {
  const { runtimeId, startedAtMs, stoppedAtMs, address, restoredFrom } = machine
  return {
    ...(runtimeId ? { runtimeId } : {}),
    ...(startedAtMs === undefined ? {} : { startedAt: timestamp(startedAtMs) }),
    ...(stoppedAtMs === undefined ? {} : { stoppedAt: timestamp(stoppedAtMs) }),
    ...(address ? { address } : {}),
    ...(restoredFrom ? { restoredFrom: { ...restoredFrom } } : {}),
    resources: resourcesOf(machine),
  }
}

const diskOf = ({ diskBytes }: MachineAmounts): { disk?: string } => (diskBytes === undefined ? {} : { disk: memoryQuantity(diskBytes) })

function resourcesOf({ cpuMillis, memoryBytes }: MachineAmounts): { cpu?: string; memory?: string } {
  return {
    ...(cpuMillis === undefined ? {} : { cpu: cpuMillis % 1000 === 0 ? String(cpuMillis / 1000) : `${cpuMillis}m` }),
    ...(memoryBytes === undefined ? {} : { memory: memoryQuantity(memoryBytes) }),
  }
}

/** Exact, and as short as it gets. */
function memoryQuantity(bytes: number): string {
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const)
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`
  return String(bytes)
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

function saidOf(vps: Vps, actual: MachineActual, machine: ObservedMachine | undefined): Said[] {
  const running = runningSaid(vps, actual, machine)
  return [
    acceptedSaid(actual),
    ...imageSaid(vps, actual, machine),
    diskSaid(vps, actual, machine),
    running,
    readySaid(vps, machine, running),
    ...resizeSaid(vps, machine, actual.atStart),
    ...restoredSaid(vps, actual, machine),
  ]
}

function acceptedSaid(actual: MachineActual): Said {
  const refused = failureOf(actual, ['admit'])
  return refused
    ? { type: 'Accepted', status: 'False', reason: refused.reason, message: refused.message }
    : { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the agent of the node takes care of it' }
}

function imageSaid(vps: Vps, actual: MachineActual, machine: ObservedMachine | undefined): Said[] {
  const { image, running, restoreFrom } = vps.spec
  const failure = failureOf(actual, ['prepareImage'])
  if (failure) return [{ type: 'ImageReady', status: 'False', reason: failure.reason, message: failure.message }]
  if (machine || actual.prepared.image)
    return [{ type: 'ImageReady', status: 'True', reason: 'Present', message: `${image} is on the node` }]
  if (!running || restoreFrom || isDiskLost(vps, actual)) return []
  return [{ type: 'ImageReady', status: 'False', reason: 'Pulling', message: actual.pullProgress ?? `${image} is being looked for` }]
}

function diskSaid(vps: Vps, actual: MachineActual, machine: ObservedMachine | undefined): Said {
  const not = (reason: string, message: string): Said => ({ type: 'DiskReady', status: 'False', reason, message })
  if (machine) return { type: 'DiskReady', status: 'True', reason: 'Made', message: 'its disk is on the node' }
  if (isDiskLost(vps, actual)) return not('DiskLost', diskLost)
  const failure = failureOf(actual, ['create'])
  return failure
    ? not(failure.reason, failure.message)
    : not('Preparing', (vps.spec.restoreFrom && actual.pullProgress) ?? 'it has no disk yet')
}

const diskLost =
  'its disk is no longer on the node: it was removed there, or the disk of the node was lost; put it back from a snapshot (spec.restoreFrom), or delete it'

function runningSaid(vps: Vps, actual: MachineActual, machine: ObservedMachine | undefined): Said {
  const not = (reason: string, message: string): Said => ({ type: 'Running', status: 'False', reason, message })
  const kept = failureOf(actual, ['stop', 'remove', 'forget'])
  if (machine?.state === 'running')
    return kept
      ? {
          type: 'Running',
          status: 'True',
          reason: 'StopFailed',
          message: `it could not be stopped, and it is tried again: ${kept.message}`,
        }
      : { type: 'Running', status: 'True', reason: 'Started', message: 'it was started' }
  if (isLeaving(vps))
    return not('Stopping', kept ? `it could not be removed, and it is tried again: ${kept.message}` : 'it is being deleted')
  if (isDiskLost(vps, actual)) return not('Failed', diskLost)
  const failure = failureOf(actual, ['admit', 'prepareImage', 'create', 'restore', 'start'])
  if (failure && !failure.retryable) return not('Failed', failure.message)
  if (!vps.spec.running) return not('Stopped', 'it is not to run, and does not')
  if (failure) return not(failure.type === 'start' ? failure.reason : 'Preparing', failure.message)
  if (machine && actual.record?.run === 'started') {
    const ended = machine.message ?? 'it ended by itself'
    return actual.record.streak > 0
      ? not('CrashLoopBackOff', `${ended}; its next start waits, because it ended again and again`)
      : not('Restarting', `${ended}; it is started again`)
  }
  return machine && (actual.record?.starts ?? 0) > 0 ? not('Restarting', 'it is started again') : not('Preparing', 'it is being prepared')
}

/** Whether people can get in. What boots is asked, unless nobody is to log in. */
function readySaid(vps: Vps, machine: ObservedMachine | undefined, running: Said): Said {
  if (running.status !== 'True') return { type: 'Ready', status: 'False', reason: 'NotRunning', message: 'it does not run' }
  if (machine?.held !== undefined) return { type: 'Ready', status: 'False', reason: 'NoSpace', message: machine.held }
  const { backend, ssh } = vps.spec
  if (backend === 'docker' || ssh.mode === 'disabled') return { type: 'Ready', status: 'True', reason: 'Started', message: 'it runs' }
  const answer = machine?.answer
  if (answer?.isReady) return { type: 'Ready', status: 'True', reason: 'Answers', message: answer.message }
  // After a restart of the agent the first answer is still to come: what was said of this start stands.
  const before = findCondition(vps, 'Ready')
  const isSameStart = machine?.startedAtMs !== undefined && vps.status?.startedAt === timestamp(machine.startedAtMs)
  if (!answer && isSameStart && before?.reason === 'Answers')
    return { type: 'Ready', status: 'True', reason: 'Answers', message: before.message }
  return { type: 'Ready', status: 'False', reason: 'Booting', message: answer?.message ?? 'it was switched on, and has not answered yet' }
}

/** What was asked for since it was started, and comes with its next start. */
function resizeSaid(vps: Vps, machine: ObservedMachine | undefined, atStart: MachineAmounts | undefined): Said[] {
  if (machine?.state !== 'running' || !atStart) return []
  const [has, gets] = [machine, atStart].map((amounts) => ({ ...resourcesOf(amounts), ...diskOf(amounts) }))
  const changes = (['cpu', 'memory', 'disk'] as const).flatMap((name) => {
    const [before, after] = [has?.[name], gets?.[name]]
    const grows = name !== 'disk' || (atStart.diskBytes ?? 0) > (machine.diskBytes ?? 0)
    return after !== undefined && after !== before && grows ? [`${name} ${after} (runs with ${before ?? 'none'})`] : []
  })
  if (changes.length === 0) return []
  const message = `${changes.join(', ')}: from its next start on; kubectl-lite restart vps/${vps.metadata.name}`
  return [{ type: 'ResizePending', status: 'True', reason: 'NextStart', message }]
}

function restoredSaid(vps: Vps, actual: MachineActual, machine: ObservedMachine | undefined): Said[] {
  const { restoreFrom } = vps.spec
  const failure = failureOf(actual, ['restore', 'create'])
  if (restoreFrom && failure && restoreWished(vps, machine))
    return [{ type: 'Restored', status: 'False', reason: failure.reason, message: failure.message }]
  if (restoreFrom && restoreWished(vps, machine))
    return [
      {
        type: 'Restored',
        status: 'False',
        reason: 'Restoring',
        message: `its disk is being put back from the snapshot ${restoreFrom.name}`,
      },
    ]
  if (machine?.restoredFrom)
    return [
      { type: 'Restored', status: 'True', reason: 'Restored', message: `its disk was made of the snapshot ${machine.restoredFrom.name}` },
    ]
  const before = findCondition(vps, 'Restored')
  return before ? [{ type: 'Restored', status: before.status, reason: before.reason, message: before.message }] : []
}

function failureOf(actual: MachineActual, types: readonly MachineStepType[]): StepFailure<MachineStepType> | undefined {
  return actual.failures.find(({ type }) => types.includes(type))
}
