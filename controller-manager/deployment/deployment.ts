/**
 * Brings the tasks of a Deployment to its template and its number of replicas, by sizing ReplicaSets: one for
 * each template that it has had. One rule: a step is taken when every set has answered the last one, so that the
 * bounds of the rollout hold at every instant, not only in between.
 */
import { type Condition, findCondition, isConditionTrue } from '../../lib/api/condition.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { Deployment } from '../../lib/api/kinds/deployment.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { Task } from '../../lib/api/kinds/task.js'
import { matchesLabels } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import { revisionAnnotation, revisionOf } from '../../lib/api/revisions.js'
import {
  type Cache,
  controller,
  controllerOf,
  type Draft,
  isBeingDeleted,
  type Outcome,
  type ReconcileContext,
  watch,
} from '../../lib/controller/index.js'
import { claimObjects } from '../claims/claim-objects.js'
import { isComplete as hasEnded } from '../task-end.js'
import { deadlineMs, decideProgress, progressReasons } from './decide-progress.js'
import { decideRecreate, decideRollingUpdate, type RolloutStep } from './decide-rollout.js'
import { decideScaling, isResized } from './decide-scaling.js'
import { countDeployment, hasMinimum, isComplete } from './deployment-status.js'
import { rolloutOf } from './replica-sets-of.js'
import { decideCleanup } from './revisions.js'
import { allSets, type Rollout } from './rollout.js'
import { reviseNewSet, type Taken, takeSteps } from './take-steps.js'

type Context = ReconcileContext<typeof Deployment>

export const deployment = controller({
  name: 'deployment',
  for: Deployment,
  owns: [ReplicaSet],
  watches: [
    // An orphan may be somebody's to adopt.
    watch(ReplicaSet, (set, cache) =>
      controllerOf(set)
        ? []
        : cache
            .list(Deployment, set.metadata.namespace)
            .filter(({ spec }) => matchesLabels(selectorOf(spec.selector), set.metadata.labels ?? {}))
            .map(({ metadata }) => metadata),
    ),
    // Who recreates waits for the last old task to end.
    watch(Task, (task, cache) => {
      const owner = recreatingOwnerOf(task, cache)
      return owner ? [owner.metadata] : []
    }),
  ],
  workers: 8,
  // It notes the revision on the Deployment.
  rights: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] }],
  alsoDeleting: true,
  reconcile: rollOn,
})

async function rollOn(deployment: Draft<typeof Deployment>, ctx: Context): Promise<Outcome> {
  const before = structuredClone(deployment.status)
  const candidates = ctx.list(ReplicaSet, deployment.metadata.namespace)
  const rollout = rolloutOf(deployment, await claimObjects(Deployment, deployment, ReplicaSet, candidates, ctx))
  const taken = isBeingDeleted(deployment) ? {} : await act(rollout, ctx)
  tellStatus(deployment, rollout, taken, ctx)
  if (sameValue(before, deployment.status)) await settle(rollout, ctx)
  const leftMs = deadlineMs(deployment, ctx.clock.now())
  return leftMs === undefined ? {} : { requeueAfter: `${leftMs + 1000}ms` }
}

async function act(rollout: Rollout, ctx: Context): Promise<Taken> {
  const { deployment, newSet } = rollout
  const pause = pauseOrResume(deployment)
  if (pause) return { news: pause }
  const revised = newSet && !isBeingDeleted(newSet) ? await reviseNewSet(rollout, newSet, ctx) : newSet
  const current = { ...rollout, newSet: revised }
  const taken = await takeSteps(current, decideSteps(current, ctx), ctx)
  const isFound = newSet && revised && (revisionOf(revised) > revisionOf(newSet) || !findCondition(deployment, 'Progressing'))
  return isFound ? { news: { reason: 'found', message: `ReplicaSet ${newSet.metadata.name} has the present template` } } : taken
}

function decideSteps(rollout: Rollout, ctx: Context): RolloutStep[] {
  const { paused, strategy } = rollout.deployment.spec
  if (paused) return decideScaling(rollout)
  if (strategy.type === 'Recreate') return decideRecreate(rollout, isOldGone(rollout, ctx))
  return isResized(rollout) ? decideScaling(rollout) : decideRollingUpdate(rollout)
}

/** The tasks are seen on the same stream as the sets: what a set's status speaks of has been seen before it. */
function isOldGone({ deployment, oldSets }: Rollout, ctx: Context): boolean {
  const uids = new Set(oldSets.map(({ metadata }) => metadata.uid))
  return !ctx.list(Task, deployment.metadata.namespace).some((task) => uids.has(controllerOf(task)?.uid ?? '') && !hasEnded(task))
}

function pauseOrResume(deployment: Deployment): Taken['news'] {
  const reason = findCondition(deployment, 'Progressing')?.reason
  const { paused = false } = deployment.spec
  const wasPaused = reason === progressReasons.paused
  if (reason === undefined || reason === progressReasons.timedOut || paused === wasPaused) return undefined
  return paused
    ? { reason: 'paused', message: 'the Deployment is paused: changes of its template wait' }
    : { reason: 'resumed', message: 'the Deployment goes on' }
}

function tellStatus(deployment: Draft<typeof Deployment>, rollout: Rollout, { news, collided }: Taken, ctx: Context): void {
  const { status } = deployment
  const counts = countDeployment(rollout)
  const setName = rollout.newSet?.metadata.name
  const progressing = decideProgress({ deployment, counts, setName, news, nowMs: ctx.clock.now() })
  const failures = [...allSets(rollout)].reverse().filter((set) => isConditionTrue(set, 'ReplicaFailure'))
  Object.assign(status, counts)
  if (collided) status.collisionCount = (status.collisionCount ?? 0) + 1
  setCondition(status, 'Progressing', progressing)
  setCondition(status, 'ReplicaFailure', failures[0] && findCondition(failures[0], 'ReplicaFailure'))
  if (hasMinimum(deployment, counts)) ctx.condition('Available', true, 'MinimumReplicasAvailable', 'enough replicas are available')
  else ctx.condition('Available', false, 'MinimumReplicasUnavailable', 'too few replicas are available')
}

/** Puts a condition in the place of the one of its type, or takes that away. */
function setCondition(status: { conditions?: Condition[] | undefined }, type: string, condition: Condition | undefined): void {
  const { conditions = [] } = status
  const isThere = conditions.some((other) => other.type === type)
  const replaced = conditions.flatMap((other) => (other.type === type ? (condition ?? []) : other))
  if (isThere || condition) status.conditions = isThere || !condition ? replaced : [...conditions, condition]
}

/** What waits until the status has been told: these writes would make it a conflict. */
async function settle(rollout: Rollout, ctx: Context): Promise<void> {
  const { deployment, newSet } = rollout
  if (isBeingDeleted(deployment)) return
  if (deployment.spec.paused || isComplete(deployment, countDeployment(rollout)))
    for (const set of decideCleanup(rollout)) await ctx.delete(ReplicaSet, set)
  const revision = newSet?.metadata.annotations?.[revisionAnnotation]
  if (revision === undefined || deployment.metadata.annotations?.[revisionAnnotation] === revision) return
  const { namespace, name, uid, resourceVersion } = deployment.metadata
  const metadata = { uid, resourceVersion, annotations: { [revisionAnnotation]: revision } }
  await ctx.client.of(Deployment).mergePatch({ namespace, name }, { metadata })
}

function recreatingOwnerOf(task: Task, cache: Cache): Deployment | undefined {
  const set = ownerIn(cache, ReplicaSet, task)
  const owner = set && ownerIn(cache, Deployment, set)
  return owner?.spec.strategy.type === 'Recreate' ? owner : undefined
}

function ownerIn<K extends typeof ReplicaSet | typeof Deployment>(cache: Cache, kind: K, object: Task | ReplicaSet) {
  const owner = controllerOf(object)
  if (owner?.kind !== kind.kind) return undefined
  const found = cache.get(kind, { namespace: object.metadata.namespace, name: owner.name })
  return found?.metadata.uid === owner.uid ? found : undefined
}
