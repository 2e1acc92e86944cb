/**
 * What to do next about one machine: a pure function of what the API wants, what is on the node, and the time. Its steps may be done any
 * number of times, and after each of them it is asked again.
 *
 *     planMachine(vps, noMachine, now)   // [{ type: 'admit' }, { type: 'prepareImage' }, { type: 'create' }, { type: 'start', streak: 0 }]
 *
 * The rules that it keeps, whatever it is given: a disk that people may have written to is replaced by a snapshot that they named, or by
 * nothing; a machine that the API no longer binds to this node, or that is being deleted, ends with nothing left.
 */
import type { Vps } from '../../lib/api/kinds/vps.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import type { ObservedMachine } from '../backends/machine-backend.js'
import { nextStreakAfter, restartWaitMs } from '../steps/crash-backoff.js'
import { waitForRetries } from '../steps/step-failure.js'
import type { MachineActual } from './machine-actual.js'
import type { MachineRecord } from './machine-record.js'
import type { MachineStep } from './machine-step.js'
import { hasOtherLimits, isDiskLost, isLeaving, resetWished, restartWished, restoreWished } from './machine-wishes.js'

/** How long a machine has to end that the API does not know any more. */
const strayGraceMs = 10_000

/** `vps` undefined: the API binds no such machine to this node, as a complete list said. */
export function planMachine(vps: Vps | undefined, actual: MachineActual, nowMs: number): readonly MachineStep[] {
  const steps = vps && !isLeaving(vps) ? planKept(vps, actual, nowMs) : planRemoval(vps, actual)
  // What trying again cannot help is not tried again, until the agent starts anew or the Vps changes.
  const refused = steps.findIndex((step) => actual.failures.some(({ type, retryable }) => type === step.type && !retryable))
  return waitForRetries(refused < 0 ? steps : steps.slice(0, refused), actual.failures, nowMs)
}

function planRemoval(vps: Vps | undefined, { machine, record }: MachineActual): MachineStep[] {
  const graceMs = vps ? (vps.metadata.deletionGracePeriodSeconds ?? vps.spec.terminationGracePeriodSeconds) * 1000 : strayGraceMs
  return [
    ...(machine?.state === 'running' ? [{ type: 'stop', graceMs } as const] : []),
    ...(machine ? [{ type: 'remove' } as const] : []),
    ...(record ? [{ type: 'forget' } as const] : []),
    ...(vps?.metadata.finalizers?.includes(nodeCleanupFinalizer) ? [{ type: 'releaseFinalizer' } as const] : []),
  ]
}

function planKept(vps: Vps, actual: MachineActual, nowMs: number): MachineStep[] {
  const { machine } = actual
  if (!machine || machine.state === 'partial') return planMaking(vps, actual)
  if (!actual.record) return [{ type: 'adopt' }]
  return machine.state === 'running'
    ? planRunning(vps, machine, actual, actual.record)
    : planStopped(vps, machine, actual, actual.record, nowMs)
}

function planMaking(vps: Vps, actual: MachineActual): MachineStep[] {
  const from = vps.spec.restoreFrom
  // It is not made anew of its image, as if nothing had been.
  if (isDiskLost(vps, actual)) return []
  if (!vps.spec.running && !actual.machine) return []
  return [
    ...admission(actual),
    ...(from || actual.prepared.image ? [] : [{ type: 'prepareImage' } as const]),
    { type: 'create', ...(from ? { from } : {}) },
    ...(vps.spec.running ? [{ type: 'start', streak: 0 } as const] : []),
  ]
}

function planStopped(vps: Vps, machine: ObservedMachine, actual: MachineActual, record: MachineRecord, nowMs: number): MachineStep[] {
  const restore = restoreWished(vps, machine)
  if (restore) return [...admission(actual), { type: 'restore', from: restore }]
  if (!vps.spec.running) return []
  if (record.run === 'starting') return [...admission(actual), { type: 'start', streak: record.streak }]
  if (record.run !== 'started') return [...admission(actual), { type: 'start', streak: 0 }]
  // It ended by itself: again, and ever later. Nobody saw the end of one that ended with its node: it may have run until now, and waits from its start on.
  const { startedAtMs, stoppedAtMs } = machine
  const streak = nextStreakAfter(record.streak, startedAtMs, stoppedAtMs ?? nowMs)
  const leftMs = restartWaitMs(streak, stoppedAtMs ?? startedAtMs ?? 0, nowMs)
  return leftMs > 0 ? [{ type: 'wait', untilMs: nowMs + leftMs }] : [...admission(actual), { type: 'start', streak }]
}

function planRunning(vps: Vps, machine: ObservedMachine, actual: MachineActual, record: MachineRecord): MachineStep[] {
  const stop: MachineStep = { type: 'stop', graceMs: vps.spec.terminationGracePeriodSeconds * 1000 }
  if (!vps.spec.running || restoreWished(vps, machine)) return [stop]
  const restart = restartWished(vps)
  if (restart !== undefined && restart !== record.restartedAt) return [stop]
  if (record.run !== 'started') return [{ type: 'adopt' }]
  const reset = resetWished(vps)
  if (reset !== undefined && reset !== record.resetAt) return [{ type: 'reset', request: reset }]
  return actual.resizesWhileRunning && hasOtherLimits(vps, machine) ? [{ type: 'resize' }] : []
}

const admission = ({ prepared }: MachineActual): MachineStep[] => (prepared.admission ? [] : [{ type: 'admit' }])
