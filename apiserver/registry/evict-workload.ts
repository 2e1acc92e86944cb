import { badRequest, notFound, notSupported, tooManyRequests } from '../../lib/api/api-error.js'
import { type Condition, isConditionTrue, withCondition } from '../../lib/api/condition.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { disruptionOf, disruptionTarget } from '../../lib/api/disruption.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import type { Decision, StoredObject } from '../storage/store.js'
import { parseStored, toDraft } from './object-bytes.js'
import type { EvictOptions, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, refuse, subjectOf } from './resource-rules.js'
import { arrange } from './server-metadata.js'

type EvictTarget = Omit<Target, 'subresource'>

/** Ends a workload's attempt, or has its agent end it; see registry.ts. */
export async function evictWorkload(
  parts: RegistryParts,
  target: EvictTarget,
  options: EvictOptions,
  context: RequestContext,
): Promise<void> {
  const { kind, namespace, name } = target
  if (!kind.workload) throw badRequest(`${kind.plural} are not evicted`)
  await write(parts, keyOf(kind, namespace, name), (current) => decideEviction(parts, target, options, current, context), context)
}

function decideEviction(
  parts: RegistryParts,
  { kind, name }: EvictTarget,
  { judge, gracePeriodSeconds }: EvictOptions,
  stored: StoredObject | undefined,
  context: RequestContext,
): Decision {
  judge?.(stored)
  if (!stored) throw notFound(subjectOf(kind, name))
  const parsed = parseStored(stored)
  const old: KubeObject = { ...parsed, metadata: arrange(parsed.metadata) }
  const task = old as unknown as Task
  const { terminationGracePeriodSeconds: own } = task.spec
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== own)
    refuse(kind, name, [
      notSupported('deleteOptions.gracePeriodSeconds', gracePeriodSeconds, `an eviction takes the workload's own grace period, ${own} s`),
    ])
  const disruption = disruptionOf(task)
  if (old.metadata.deletionTimestamp || disruption?.reason === 'Evicted') return { type: 'unchanged' }
  if (disruption && !isConditionTrue(task, 'Complete'))
    throw tooManyRequests(
      `${kind.singular} "${name}" is being ended (${disruption.reason}); evict it when it has ended`,
      endingRetrySeconds,
    )
  const status = evictedStatus(task, context.user.name, parts.clock.now())
  return { type: 'put', draft: toDraft(parts.rulesOf(kind), { ...old, status }) }
}
const endingRetrySeconds = 5

/** On a node, the agent ends the attempt and says so. On none there is nothing to end: the attempt is over, or the next one begins. */
function evictedStatus({ spec, status }: Task, user: string, nowMs: number): Task['status'] {
  const message = `evicted at the request of ${user}`
  const withEvicted = (conditions: readonly Condition[] | undefined, type: string) =>
    withCondition(conditions, { type, status: 'True', reason: 'Evicted', message }, nowMs)
  const conditions = withEvicted(status?.conditions, disruptionTarget)
  if (spec.nodeName || isConditionTrue({ status }, 'Complete')) return { ...status, conditions }
  if (spec.onNodeLost === 'Reschedule') return { ...status, attempt: (status?.attempt ?? 0) + 1 }
  const ended = withEvicted(conditions, 'Complete')
  return { ...status, conditions: ended, phase: taskPhase(ended), finishedAt: timestamp(nowMs) }
}
