import { badRequest, notFound, tooManyRequests } from '../../lib/api/api-error.js'
import { type Condition, isConditionTrue, withCondition } from '../../lib/api/condition.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { disruptionOf, disruptionTarget } from '../../lib/api/disruption.js'
import { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import type { Decide, Decision, Put, ReadView, StoredObject } from '../storage/store.js'
import { assertPreconditions } from './delete-object.js'
import { parseStored, toDraft } from './object-bytes.js'
import type { EvictOptions, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, subjectOf } from './resource-rules.js'
import { arrange } from './server-metadata.js'
import { spendBudget } from './spend-budget.js'
import { decideStop } from './stop-vps.js'

type EvictTarget = Omit<Target, 'subresource'>

/** Ends a workload's attempt, or has its agent end it; a Vps is stopped. See registry.ts. */
export async function evictWorkload(
  parts: RegistryParts,
  target: EvictTarget,
  options: EvictOptions,
  context: RequestContext,
): Promise<StoredObject> {
  const { kind, namespace, name } = target
  if (!kind.workload) throw badRequest(`${kind.plural} are not evicted`)
  const decide: Decide = (current, view) => decideEviction(parts, target, options, current, view, context)
  const { object } = await write(parts, keyOf(kind, namespace, name), decide, context)
  return object as StoredObject
}

function decideEviction(
  parts: RegistryParts,
  target: EvictTarget,
  options: EvictOptions,
  stored: StoredObject | undefined,
  view: ReadView,
  context: RequestContext,
): Decision {
  const { kind, name } = target
  const { gracePeriodSeconds } = options
  options.judge?.(stored)
  if (!stored) throw notFound(subjectOf(kind, name))
  assertPreconditions(target, options, stored)
  const parsed = parseStored(stored)
  const old: KubeObject = { ...parsed, metadata: arrange(parsed.metadata) }
  if (kind.kind === Vps.kind) return decideStop(parts, kind, old, gracePeriodSeconds, context)
  const task = old as unknown as Task
  const disruption = disruptionOf(task)
  const graceSeconds = gracePeriodSeconds === undefined ? undefined : gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds
  if (old.metadata.deletionTimestamp) return { type: 'unchanged' }
  const put = (status: Task['status'], spent?: PodDisruptionBudget): Decision => ({
    type: 'put',
    draft: toDraft(parts.rulesOf(kind), { ...old, status }),
    ...(spent ? { alongside: [budgetPut(parts, spent)] } : {}),
  })
  if (disruption?.reason === 'Evicted')
    return isShorter(task, graceSeconds) ? put({ ...task.status, evictionGracePeriodSeconds: graceSeconds }) : { type: 'unchanged' }
  if (disruption && !isConditionTrue(task, 'Complete'))
    throw tooManyRequests(
      `${kind.singular} "${name}" is being ended (${disruption.reason}); evict it when it has ended`,
      endingRetrySeconds,
    )
  const nowMs = parts.clock.now()
  const spent = spendBudget(task, parts.budgets.of(task, view), nowMs)
  const status = evictedStatus(task, context.user.name, nowMs)
  return put(graceSeconds === undefined || isOver(task) ? status : { ...status, evictionGracePeriodSeconds: graceSeconds }, spent)
}
const endingRetrySeconds = 5

/** The budget as it is put with the eviction that was taken from it: both, or neither. */
function budgetPut(parts: RegistryParts, { metadata, ...rest }: PodDisruptionBudget): Put {
  const kind = PodDisruptionBudget as unknown as Kind
  const { namespace = '', name } = metadata
  const object = { ...rest, metadata: arrange(metadata) }
  return { key: keyOf(kind, namespace, name), draft: toDraft(parts.rulesOf(kind), object) }
}

/** Nothing of the attempt runs that could be given time to end. */
const isOver = ({ spec, status }: Task) => !spec.nodeName || isConditionTrue({ status }, 'Complete')

/** A later request may shorten the time, and never lengthens it. */
function isShorter(task: Task, graceSeconds: number | undefined): boolean {
  const { evictionGracePeriodSeconds: given = task.spec.terminationGracePeriodSeconds } = task.status ?? {}
  return graceSeconds !== undefined && !isOver(task) && graceSeconds < given
}

/** On a node, the agent ends the attempt and says so. On none there is nothing to end: the attempt is over, or the next one begins. */
function evictedStatus(task: Task, user: string, nowMs: number): Task['status'] {
  const { spec, status } = task
  const message = `evicted at the request of ${user}`
  const withEvicted = (conditions: readonly Condition[] | undefined, type: string) =>
    withCondition(conditions, { type, status: 'True', reason: 'Evicted', message }, nowMs)
  const conditions = withEvicted(status?.conditions, disruptionTarget)
  if (!isOver(task) || isConditionTrue(task, 'Complete')) return { ...status, conditions }
  if (spec.onNodeLost === 'Reschedule') return { ...status, attempt: (status?.attempt ?? 0) + 1 }
  const ended = withEvicted(conditions, 'Complete')
  return { ...status, conditions: ended, phase: taskPhase(ended), finishedAt: timestamp(nowMs) }
}
