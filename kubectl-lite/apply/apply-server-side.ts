import { ApiError } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Cluster } from '../cluster/cluster.js'
import { patchObject, type WriteFlags } from '../cluster/objects.js'
import { applyClientSide } from './apply-client-side.js'
import { type Applied, type ApplyMethod, getOrNothing, type ManifestTarget } from './apply-manifest.js'
import { clientSideManagers, takeOver } from './take-over.js'

/** kubectl's own: what one of the two clients applied, the other goes on with. */
const serverSideManager = 'kubectl'

/**
 * Has the server merge the manifest. An object that was applied client-side until now is taken over first as
 * kubectl does it, so that what the manifest no longer has goes.
 */
export async function applyServerSide(
  cluster: Cluster,
  target: ManifestTarget,
  method: ApplyMethod,
  onWarning: (text: string) => void,
): Promise<Applied> {
  const { resource, manifest, at } = target
  const { fieldManager = serverSideManager, force = false, dryRun } = method
  const write: WriteFlags = { fieldManager, force, dryRun: dryRun === 'server' }
  const live = await getOrNothing(cluster, resource, at)
  // Taking over cannot be tried: what would come of it is what the old way makes of the object.
  if (live && dryRun === 'server' && clientSideManagers(live).size > 0)
    return await applyClientSide(cluster, target, { ...method, fieldManager: undefined }, onWarning)
  const apply = () => patchObject(cluster.client, resource, at, 'apply', manifest, write).catch(withAdvice)
  let object = await apply()
  if (dryRun === 'none' && fieldManager === serverSideManager && (await takeOver(cluster, target, object, fieldManager)))
    object = await apply()
  return { resource, outcome: outcomeOf(live, object), object }
}

function outcomeOf(live: KubeObject | undefined, object: KubeObject): Applied['outcome'] {
  if (!live) return 'created'
  if (live.metadata.uid !== object.metadata.uid) return 'created'
  return live.metadata.resourceVersion === object.metadata.resourceVersion ? 'unchanged' : 'configured'
}

/** A conflict with other managers is told with the ways out of it. */
function withAdvice(error: unknown): never {
  const { causes = [] } = error instanceof ApiError ? error.details : {}
  if (!(error instanceof ApiError) || !causes.some(({ reason }) => reason === 'FieldManagerConflict')) throw error
  const advice =
    'Others manage these fields. Leave them out of the manifest to let them, give them the values that they have to share them, or take them over with --force-conflicts.'
  throw new ApiError(error.reason, `${error.message}\n${advice}`, { code: error.code, details: error.details, cause: error })
}
