import { backendOf, type Task } from '../../lib/api/kinds/task.js'
import type { AgentParts } from '../agent-parts.js'
import type { Backend, Isolation } from '../backends/backend.js'
import { hardwareOf } from '../steps/hardware.js'
import { requirePrivileged } from '../steps/require-privileged.js'
import { StepError } from '../steps/step-error.js'

/** What a task wants that lets it out of its isolation, in words. Pure. */
function powersOf(task: Task, isolation: Isolation): string[] {
  const { spec } = task
  return [
    ...(spec.privileged ? ['privileged'] : []),
    ...(spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => `the hostPath volume "${name}"`),
    ...(isolation === 'none' ? [`the backend ${backendOf(spec)}, which isolates nothing on this node`] : []),
  ]
}

/** The server has judged this already; an agent relies on no one for what happens on its node. Rejects with a StepError. */
export async function admitTask(
  task: Task,
  backend: Backend,
  { client, gpus: present }: Pick<AgentParts, 'client' | 'gpus'>,
  signal: AbortSignal,
): Promise<void> {
  const { numaNode, gpus = [] } = hardwareOf(task, present)
  if (gpus.length > 0 && !backend.features.has('gpus'))
    throw new StepError('Unsupported', `the backend ${backend.name} of this node cannot give GPUs to a task`, false)
  if (numaNode !== undefined && !backend.features.has('numa'))
    throw new StepError('Unsupported', `the backend ${backend.name} of this node cannot keep a task on NUMA node ${numaNode}`, false)
  await requirePrivileged(task, powersOf(task, backend.isolation), client, signal)
}
