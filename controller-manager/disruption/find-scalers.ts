import { isNotFound } from '../../lib/api/api-error.js'
import { customKinds } from '../../lib/api/custom-kinds/custom-kinds.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import type { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { OwnerReference } from '../../lib/api/object-meta.js'
import { readAnswer } from '../../lib/client/read-answer.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import { controllerOf } from '../../lib/controller/owner-reference.js'
import type { ReconcileContext } from '../../lib/controller/reconcile-context.js'
import type { Scaler, Scalers } from './count-budget.js'

type Context = ReconcileContext<typeof PodDisruptionBudget>

/** Born kinds with a number of replicas; the controller follows them. */
export const scaledKinds: readonly Kind[] = builtinKinds.filter(({ subresources }) => subresources.includes('scale'))

/** A Deployment is above a ReplicaSet; whoever makes a circle of owners is not followed round. */
const maxLevels = 4

/** What says how many of the Tasks there should be: the topmost of the controllers above each that has a number of replicas. */
export async function findScalers(tasks: readonly Task[], ctx: Context): Promise<Scalers> {
  const found = new Map<string, Scaler>()
  const asked = new Set<string>()
  for (const task of tasks) {
    const owner = controllerOf(task)
    if (!owner || asked.has(owner.uid)) continue
    asked.add(owner.uid)
    const scaler = await scalerAt(owner, task.metadata.namespace ?? '', ctx, 1)
    if (scaler) found.set(owner.uid, scaler)
  }
  return found
}

async function scalerAt(owner: OwnerReference, namespace: string, ctx: Context, level: number): Promise<Scaler | undefined> {
  const isOwners = ({ apiVersion, kind }: Pick<Kind, 'apiVersion' | 'kind'>) => apiVersion === owner.apiVersion && kind === owner.kind
  const builtin = scaledKinds.find(isOwners)
  if (!builtin) {
    // Making kinds of a definition takes time: whoever names owners that do not exist makes none.
    const definitions = ctx.list(CustomResourceDefinition).filter(({ spec }) => isDefinedBy(owner, spec))
    const kinds = definitions.flatMap((definition) => customKinds(definition, 0))
    const custom = kinds.find((kind) => isOwners(kind) && kind.subresources.includes('scale'))
    return custom && (await readScale(custom, owner, namespace, ctx))
  }
  const object = (await ctx.get(builtin, { namespace, name: owner.name })) as unknown as KubeObject | undefined
  if (object?.metadata.uid !== owner.uid) return undefined
  const above = controllerOf(object)
  const higher = above && level < maxLevels ? await scalerAt(above, namespace, ctx, level + 1) : undefined
  return higher ?? { uid: owner.uid, replicas: (object.spec as { replicas?: number }).replicas ?? 1 }
}

function isDefinedBy({ apiVersion, kind }: OwnerReference, { group, names }: CustomResourceDefinition['spec']): boolean {
  return names.kind === kind && apiVersion.startsWith(`${group}/`)
}

async function readScale(kind: Kind, { name, uid }: OwnerReference, namespace: string, ctx: Context): Promise<Scaler | undefined> {
  try {
    const path = resourcePath(kind, { namespace, name, subresource: 'scale' })
    const scale = (await readAnswer(await ctx.client.raw({ method: 'GET', path, signal: ctx.signal }))) as {
      metadata: { uid?: string }
      spec?: { replicas?: number }
    }
    return scale.metadata.uid === uid ? { uid, replicas: scale.spec?.replicas ?? 0 } : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
