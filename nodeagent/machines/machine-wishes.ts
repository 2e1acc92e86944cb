/** What people want of a machine, read from its Vps; pure. */
import { isConditionTrue } from '../../lib/api/condition.js'
import type { Vps, VpsStatus } from '../../lib/api/kinds/vps.js'
import { cpuMillis, memoryBytes } from '../../lib/api/quantity.js'
import type { ObservedMachine } from '../backends/machine-backend.js'
import type { MachineActual } from './machine-actual.js'
import type { RestoreOrder } from './machine-step.js'

/** A new value restarts the machine, once. */
export const restartedAtAnnotation = 'millrace.dev/restartedAt'
/** A new value presses the reset button, once. */
export const resetAtAnnotation = 'millrace.dev/resetAt'

export const isLeaving = (vps: Vps) => vps.metadata.deletionTimestamp != null
export const restartWished = (vps: Vps) => vps.metadata.annotations?.[restartedAtAnnotation]
export const resetWished = (vps: Vps) => vps.metadata.annotations?.[resetAtAnnotation]

/** What the machine may use at most; a limit that is not named is none. */
export function limitsOf({ spec }: Pick<Vps, 'spec'>): { readonly cpuMillis?: number; readonly memoryBytes?: number } {
  const { cpu, memory } = spec.resources?.limits ?? {}
  return {
    ...(cpu === undefined ? {} : { cpuMillis: cpuMillis(cpu) }),
    ...(memory === undefined ? {} : { memoryBytes: memoryBytes(memory) }),
  }
}

export function hasOtherLimits(vps: Vps, machine: ObservedMachine): boolean {
  const wanted = limitsOf(vps)
  return wanted.cpuMillis !== machine.cpuMillis || wanted.memoryBytes !== machine.memoryBytes
}

/** The snapshot that the disk is to be put back from, and was not yet. */
export function restoreWished(vps: Vps, disk: Pick<ObservedMachine, 'restoredFrom'> | VpsStatus | undefined): RestoreOrder | undefined {
  const { restoreFrom } = vps.spec
  const done = disk?.restoredFrom
  return restoreFrom && (done?.name !== restoreFrom.name || done.request !== restoreFrom.request) ? restoreFrom : undefined
}

/**
 * Whether the machine had a disk that is no longer there, removed behind the agent's back or lost with
 * the node's own, and no snapshot was named since to make it of.
 */
export function isDiskLost(vps: Vps, { machine, record }: MachineActual): boolean {
  if (machine && machine.state !== 'partial') return false
  const hadDisk = record ? record.made : isConditionTrue(vps, 'DiskReady')
  return hadDisk && !restoreWished(vps, vps.status)
}
