/**
 * Keeps as many tasks of a template as a ReplicaSet asks for: creates what is missing, deletes what is too many, replaces what is deleted,
 * evicted or has ended. One rule: tasks are deleted before others are created, and a name is a number in a series, so that there are never
 * more than asked for, whatever is cut off in between.
 */
import { ApiError, isAlreadyExists, isConflict } from '../../lib/api/api-error.js'
import { findCondition, isConditionTrue } from '../../lib/api/condition.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { matchesLabels } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import { taskFromTemplate } from '../../lib/api/pod-template/task-from-template.js'
import {
  controller,
  controllerOf,
  controllerReference,
  type Draft,
  type Outcome,
  type ReconcileContext,
  watch,
} from '../../lib/controller/index.js'
import { claimObjects } from '../claims/claim-objects.js'
import { decideReplicas } from './decide-replicas.js'
import { freeNames } from './free-names.js'
import { countReplicas, nextAvailableInMs } from './replica-status.js'
import { slowStart } from './slow-start.js'
import { isActive, isTakenAway } from './task-state.js'

type Context = ReconcileContext<typeof ReplicaSet>

const shortestPauseMs = 1_000
const longestPauseMs = 300_000
/** Of what a pass creates or deletes: whoever asks for a billion tasks holds nobody else up. What changes then brings the next pass. */
const mostAtOnce = 500

export const replicaSet = controller({
  name: 'replica-set',
  for: ReplicaSet,
  owns: [Task],
  watches: [
    // An orphan may be somebody's to adopt.
    watch(Task, (task, cache) =>
      controllerOf(task)
        ? []
        : cache
            .list(ReplicaSet, task.metadata.namespace)
            .filter(({ spec }) => matchesLabels(selectorOf(spec.selector), task.metadata.labels ?? {}))
            .map(({ metadata }) => metadata),
    ),
  ],
  workers: 8,
  alsoDeleting: true,
  reconcile: keepReplicas,
})

async function keepReplicas(set: Draft<typeof ReplicaSet>, ctx: Context): Promise<Outcome> {
  const inNamespace = ctx.list(Task, set.metadata.namespace)
  const tasks = await claimObjects(ReplicaSet, set, Task, candidatesOf(set, inNamespace), ctx)
  const siblings = () => siblingsOf(set, inNamespace, ctx)
  const plan = decideReplicas({ set, tasks, siblings, nowMs: ctx.clock.now() })

  const superfluous = [...plan.discard, ...plan.remove]
  const going = superfluous.slice(0, mostAtOnce)
  const removed = await slowStart(going, async (task) => {
    await ctx.delete(Task, task)
    ctx.event('Normal', 'SuccessfulDelete', `deleted Task ${task.metadata.name}`)
    return task
  })
  const isInTheWay = removed.failures.length > 0 || going.length < superfluous.length
  const names = isInTheWay || plan.create === 0 ? [] : freeNames(set.metadata, Math.min(plan.create, mostAtOnce), namesOf(inNamespace))
  const created = await slowStart(names, async (name) => {
    const task = await ctx.client.of(Task).create(taskOf(set, name))
    ctx.event('Normal', 'SuccessfulCreate', `created Task ${name}`)
    return task
  })

  // What could not be deleted, or nobody knows, is there, and is not counted on.
  // What was taken away from its node may be started on another.
  const deleted = new Set(removed.done)
  const undeleted = [...plan.discard.filter(isTakenAway), ...going.filter(isActive)].filter((task) => !deleted.has(task))
  const leaving = new Set(going)
  const kept = [...tasks.filter((task) => !leaving.has(task)), ...created.done]
  const nowMs = ctx.clock.now()
  const counts = countReplicas(set, kept, nowMs)
  Object.assign(set.status, counts, { replicas: counts.replicas + undeleted.length, observedGeneration: set.metadata.generation })
  const again = tellOfFailures(set, ctx, removed.failures, created.failures)
  const waits = [again, plan.againInMs, nextAvailableInMs(set, kept, nowMs)].filter((waitMs) => waitMs !== undefined)
  return waits.length > 0 ? { requeueAfter: `${Math.min(...waits)}ms` } : {}
}

/**
 * Says what the server refused, or takes back what was said. Returns when it is worth another try: after as long again as it has been
 * refused already. A name that is in use, or an object that has changed, is no refusal: the cache is behind.
 */
function tellOfFailures(set: Draft<typeof ReplicaSet>, ctx: Context, deletions: unknown[], creations: unknown[]): number | undefined {
  const failures = [...deletions, ...creations].filter((failure) => !isAlreadyExists(failure) && !isConflict(failure))
  const [failure] = failures
  if (failures.some((one) => !(one instanceof ApiError))) throw failures.find((one) => !(one instanceof ApiError))
  if (!(failure instanceof ApiError)) {
    if (isConditionTrue(set, 'ReplicaFailure'))
      set.status.conditions = set.status.conditions?.filter(({ type }) => type !== 'ReplicaFailure')
    return deletions.length + creations.length > 0 ? shortestPauseMs : undefined
  }
  const [reason, what] = deletions.includes(failure) ? ['FailedDelete', 'deleted'] : ['FailedCreate', 'created']
  const message = `a Task could not be ${what}: ${failure.message}`
  ctx.condition('ReplicaFailure', true, reason, message)
  ctx.event('Warning', reason, message)
  const sinceMs = Date.parse(findCondition(set, 'ReplicaFailure')?.lastTransitionTime ?? '')
  return Math.min(longestPauseMs, Math.max(shortestPauseMs, ctx.clock.now() - sinceMs))
}

const namesOf = (tasks: readonly Task[]) => new Set(tasks.map(({ metadata }) => metadata.name))

/** Its own by reference, and those that nobody manages. */
function candidatesOf({ metadata }: Draft<typeof ReplicaSet>, tasks: readonly Task[]): Task[] {
  return tasks.filter((task) => {
    const manager = controllerOf(task)
    return manager ? manager.uid === metadata.uid : isActive(task)
  })
}

/** Tasks of the other sets of the same Deployment. */
function siblingsOf({ metadata }: Draft<typeof ReplicaSet>, tasks: readonly Task[], ctx: Context): Task[] {
  const owner = controllerOf({ metadata })
  if (!owner) return []
  const others = ctx.list(ReplicaSet, metadata.namespace).filter((set) => controllerOf(set)?.uid === owner.uid)
  const uids = new Set(others.map((set) => set.metadata.uid).filter((uid) => uid !== metadata.uid))
  return tasks.filter((task) => uids.has(controllerOf(task)?.uid ?? ''))
}

/** What is evicted from a node comes back elsewhere, as another task: that is what onNodeLost says to the controllers that end attempts. */
function taskOf(set: Draft<typeof ReplicaSet>, name: string): TaskManifest {
  const { metadata, spec } = taskFromTemplate(set.spec.template)
  return {
    metadata: { ...metadata, name, namespace: set.metadata.namespace, ownerReferences: [controllerReference(set)] },
    spec: { ...spec, onNodeLost: 'Reschedule' },
  }
}
