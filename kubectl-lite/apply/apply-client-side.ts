import { isAlreadyExists, isConflict } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Cluster } from '../cluster/cluster.js'
import { createObject, patchObject, type WriteFlags } from '../cluster/objects.js'
import { type Applied, type ApplyMethod, getOrNothing, type ManifestTarget } from './apply-manifest.js'
import { clientSideManager, lastApplied, lastAppliedAnnotation, withLastApplied } from './last-applied.js'
import { applyMerge, threeWayMerge } from './merge-patch.js'

const maxConflicts = 5

/**
 * Makes the live object match the manifest by kubectl's three-way merge, keeping what others set: what the last manifest had and this one
 * has not is removed. Retries when somebody else wrote meanwhile.
 */
export async function applyClientSide(
  cluster: Cluster,
  { resource, manifest: given, at }: ManifestTarget,
  { dryRun, fieldManager = clientSideManager }: ApplyMethod,
  onWarning: (text: string) => void,
): Promise<Applied> {
  const manifest = withLastApplied(given)
  const write: WriteFlags = { fieldManager, dryRun: dryRun === 'server' }
  for (let conflicts = 0; ; conflicts++) {
    try {
      const live = await getOrNothing(cluster, resource, at)
      if (!live) {
        const object =
          dryRun === 'client'
            ? (manifest as unknown as KubeObject)
            : await createObject(cluster.client, resource, at.namespace, manifest, write)
        return { resource, outcome: 'created', object }
      }
      const last = lastApplied(live)
      if (last === undefined && live.metadata.annotations?.[lastAppliedAnnotation] === undefined)
        onWarning(
          `resource ${resource.plural}/${at.name} is missing the ${lastAppliedAnnotation} annotation, by which apply knows what to remove. ` +
            'It was not made with client-side apply; the annotation is added now.',
        )
      const patch = threeWayMerge(last, manifest, live as unknown as Record<string, unknown>)
      if (Object.keys(patch).length === 0) return { resource, outcome: 'unchanged', object: live }
      if (dryRun === 'client') return { resource, outcome: 'configured', object: applyMerge(live, patch) as KubeObject }
      const object = await patchObject(cluster.client, resource, at, 'merge', patch, write)
      const unchanged = object.metadata.resourceVersion === live.metadata.resourceVersion
      return { resource, outcome: unchanged ? 'unchanged' : 'configured', object }
    } catch (error) {
      const retry = (isConflict(error) && error instanceof Error) || isAlreadyExists(error)
      if (!retry || conflicts >= maxConflicts) throw error
    }
  }
}
