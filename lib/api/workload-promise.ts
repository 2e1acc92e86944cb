/**
 * What a workload holds of its node. A Task holds what it asks for until it has ended. A Vps holds CPU and memory from the moment that it
 * is to run until it has stopped; its place (disk, GPUs, address, ports) until it is gone.
 */
import { guestMemoryBytes } from './guest-memory.js'
import type { VpsSpec, VpsStatus } from './kinds/vps.js'
import { type ResourceAmounts, requestsOf, toAmounts } from './resource-amounts.js'

/** The fields of a Task or a Vps that say it. A Task has no `running`, a Vps always has. */
export interface Holder {
  readonly spec: {
    readonly resources?: VpsSpec['resources']
    readonly running?: boolean | undefined
    readonly backend?: string | undefined
  }
  readonly status?: { readonly phase?: string | undefined; readonly resources?: VpsStatus['resources'] } | undefined
}

/** `place`: no CPU and no memory, but everything else that was given to it. */
export type Hold = 'all' | 'place' | 'nothing'

export function holdOf({ spec, status }: Holder): Hold {
  const phase = status?.phase
  const ended = phase === 'Failed' || phase === (spec.running === undefined ? 'Succeeded' : 'Stopped')
  if (spec.running === undefined) return ended ? 'nothing' : 'all'
  return spec.running || !ended ? 'all' : 'place'
}

/** What it is promised, by resource; amounts as in resource-amounts.ts. */
export function promisedAmounts(holder: Holder): ResourceAmounts {
  const hold = holdOf(holder)
  if (hold === 'nothing') return {}
  const { cpu = 0, memory = 0, ...others } = requestsOf(holder.spec) as Record<string, number>
  return hold === 'place' ? others : { ...others, cpu, memory: Math.max(memory, machineMemory(holder)) }
}

/** A virtual machine has all the memory of its guest, asked for or not; a Vps that with which it was started until it ends. */
function machineMemory({ spec, status }: Holder): number {
  if (spec.backend !== 'qemu') return 0
  const runsNow = spec.running !== undefined && (status?.phase === 'Running' || status?.phase === 'Unknown')
  const { memory: now = 0 } = runsNow ? toAmounts(status?.resources) : {}
  return Math.max(guestMemoryBytes(spec), now)
}
