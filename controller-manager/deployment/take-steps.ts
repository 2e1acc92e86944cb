import { isAlreadyExists } from '../../lib/api/api-error.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import { ReplicaSet, type ReplicaSetManifest } from '../../lib/api/kinds/replica-set.js'
import { desiredReplicasAnnotation, isSetOf, maxReplicasAnnotation, templateHashLabel, withTemplateHash } from '../../lib/api/revisions.js'
import { controllerReference, isOwnedBy, type ReconcileContext } from '../../lib/controller/index.js'
import type { ProgressQuestion } from './decide-progress.js'
import type { RolloutStep } from './decide-rollout.js'
import { newSetAnnotations } from './revisions.js'
import type { Rollout } from './rollout.js'
import { rolloutBounds } from './rollout-bounds.js'
import { templateHash } from './template-hash.js'

type Context = Pick<ReconcileContext<typeof Deployment>, 'client' | 'commit' | 'event'>
export type News = NonNullable<ProgressQuestion['news']>
type Annotations = Record<string, string>

export interface Taken {
  /** What is to be said of it, where it is worth a word of its own. */
  readonly news?: News
  /** The name of the new set was taken by another template's: the next one is to have another name. */
  readonly collided?: boolean
}

/** Carries out what was decided. Every write is guarded by the revision that was looked at. */
export async function takeSteps(rollout: Rollout, steps: readonly RolloutStep[], ctx: Context): Promise<Taken> {
  const sizing = sizingAnnotations(rollout.deployment)
  for (const step of steps) {
    if (step.type === 'create') return await createSet(rollout, step.replicas, sizing, ctx)
    const { set, replicas } = step
    await reviseSet(set, { replicas, annotations: { ...set.metadata.annotations, ...sizing } }, ctx)
    const before = set.spec.replicas
    if (replicas === before) continue
    const direction = replicas > before ? 'up' : 'down'
    ctx.event('Normal', 'ScalingReplicaSet', `scaled ${direction} ReplicaSet ${set.metadata.name} from ${before} to ${replicas}`)
  }
  return {}
}

/** Gives the new set its revision, and what the Deployment says beside its template; resolves with the set as it then is. */
export async function reviseNewSet(rollout: Rollout, newSet: ReplicaSet, ctx: Context): Promise<ReplicaSet> {
  const { minReadySeconds } = rollout.deployment.spec
  return await reviseSet(newSet, { minReadySeconds, annotations: newSetAnnotations(rollout) }, ctx)
}

interface Revision {
  readonly replicas?: number
  readonly minReadySeconds?: number
  readonly annotations: Annotations
}

function reviseSet(set: ReplicaSet, { annotations, ...spec }: Revision, { commit }: Context): Promise<ReplicaSet> {
  return commit(ReplicaSet, set, { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, ...spec } })
}

async function createSet(rollout: Rollout, replicas: number, sizing: Annotations, ctx: Context): Promise<Taken> {
  const { deployment } = rollout
  const manifest = newSetManifest(rollout, replicas, sizing)
  const { name } = manifest.metadata
  try {
    await ctx.client.of(ReplicaSet).create(manifest)
  } catch (error) {
    if (isAlreadyExists(error)) return { collided: !(await isOurs(deployment, name, ctx)) }
    const message = `ReplicaSet ${name} could not be created: ${error instanceof Error ? error.message : String(error)}`
    ctx.event('Warning', 'ReplicaSetCreateError', message)
    return { news: { reason: 'failedCreate', message } }
  }
  ctx.event('Normal', 'ScalingReplicaSet', `scaled up ReplicaSet ${name} from 0 to ${replicas}`)
  return { news: { reason: 'created', message: `created ReplicaSet ${name}` } }
}

/** Whether the set of this name is the very one that was to be created: the cache is behind, and will show it. */
async function isOurs(deployment: Deployment, name: string, { client }: Context): Promise<boolean> {
  const there = await client.of(ReplicaSet).get({ namespace: deployment.metadata.namespace, name })
  return isOwnedBy(there, deployment) && isSetOf(there, deployment.spec.template)
}

function newSetManifest(rollout: Rollout, replicas: number, sizing: Annotations): ReplicaSetManifest & { metadata: { name: string } } {
  const { deployment } = rollout
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0)
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels: { ...template.metadata.labels, [templateHashLabel]: hash },
      annotations: { ...newSetAnnotations(rollout), ...sizing },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: withTemplateHash(template, hash),
    },
  }
}

/** What the sets were sized for: the next change of the number of replicas is seen by it. */
function sizingAnnotations(deployment: Deployment): Annotations {
  const { replicas, maxSurge } = rolloutBounds(deployment)
  return { [desiredReplicasAnnotation]: String(replicas), [maxReplicasAnnotation]: String(replicas + maxSurge) }
}
