import type { Vps } from '../../lib/api/kinds/vps.js'
import type { AgentParts } from '../agent-parts.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import { hardwareOf } from '../steps/hardware.js'
import { requirePrivileged } from '../steps/require-privileged.js'
import { StepError } from '../steps/step-error.js'

/** What a machine wants that lets it reach its node, in words. Pure. */
function powersOfMachine({ spec }: Pick<Vps, 'spec'>): string[] {
  return [
    ...(spec.privileged ? ['privileged'] : []),
    ...(spec.image.startsWith('file:') ? [`the image ${spec.image} of the node's files`] : []),
  ]
}

/** The server has judged this already; an agent relies on no one for what happens on its node. Rejects with a StepError. */
export async function admitMachine(
  vps: Vps,
  backend: MachineBackend,
  { client, gpus: present }: Pick<AgentParts, 'client' | 'gpus'>,
  signal: AbortSignal,
): Promise<void> {
  const { numaNode, gpus = [] } = hardwareOf(vps, present)
  const cannot = (what: string) => new StepError('Unsupported', `the backend ${backend.name} of this node cannot ${what}`, false)
  if (gpus.length > 0 && !backend.machineFeatures.has('gpus')) throw cannot('give GPUs to a machine')
  if (numaNode !== undefined && !backend.machineFeatures.has('numa')) throw cannot(`keep a machine on NUMA node ${numaNode}`)
  if (vps.spec.privileged && !backend.machineFeatures.has('privileged')) throw cannot('give a machine all rights on the node')
  await requirePrivileged(vps, powersOfMachine(vps), client, signal)
}
