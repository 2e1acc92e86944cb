import { isAlreadyExists, isConflict, isNotFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { DryRun } from '../cli/dry-run.js'
import { ExitError } from '../cli/exit-code.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { createObject, getObject, patchObject, type WriteFlags } from '../cluster/objects.js'
import type { Manifest } from '../manifests/decode-manifests.js'
import { lastApplied, lastAppliedAnnotation, withLastApplied } from './last-applied.js'
import { applyMerge, threeWayMerge } from './merge-patch.js'

export interface Applied {
  readonly resource: ApiResource
  readonly outcome: 'created' | 'configured' | 'unchanged'
  readonly object: KubeObject
}

/** The field manager that kubectl's own client-side apply uses: the two clients share objects. */
const fieldManager = 'kubectl-client-side-apply'
const maxConflicts = 5

/** Makes the live object match the manifest, keeping what others set. Retries when somebody else wrote meanwhile. */
export async function applyManifest(
  cluster: Cluster,
  given: Manifest,
  dryRun: DryRun,
  onWarning: (text: string) => void,
): Promise<Applied> {
  const resource = await cluster.discovery.ofKind(given.apiVersion, given.kind)
  const { name } = given.metadata
  if (!name) throw new ExitError('invalid', `a ${given.kind} has no metadata.name; apply needs one (create -f takes generateName)`)
  const manifest = withLastApplied(inNamespace(given, resource, cluster.namespace))
  const at = { namespace: manifest.metadata.namespace, name }
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
          `resource ${resource.plural}/${name} is missing the ${lastAppliedAnnotation} annotation, by which apply knows what to remove. ` +
            'It was not made with apply; the annotation is added now.',
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

/** The manifest with the namespace that it goes to. */
export function inNamespace(manifest: Manifest, resource: ApiResource, namespace: string): Manifest {
  if (resource.scope === 'Cluster' || manifest.metadata.namespace) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, namespace } }
}

export async function getOrNothing(
  cluster: Cluster,
  resource: ApiResource,
  at: { namespace?: string | undefined; name: string },
): Promise<KubeObject | undefined> {
  try {
    return await getObject(cluster.client, resource, at)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
