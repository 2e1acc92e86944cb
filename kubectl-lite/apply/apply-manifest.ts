/**
 * Makes a live object match its manifest. The server merges (apply-server-side.ts), unless the old way is asked for (apply-client-side.ts),
 * or nothing is to be sent: a dry run at the client computes what would be.
 */
import { isNotFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { DryRun } from '../cli/dry-run.js'
import { ExitError } from '../cli/exit-code.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { type At, getObject } from '../cluster/objects.js'
import type { Manifest } from '../manifests/decode-manifests.js'
import { applyClientSide } from './apply-client-side.js'
import { applyServerSide } from './apply-server-side.js'

export interface Applied {
  readonly resource: ApiResource
  readonly outcome: 'created' | 'configured' | 'unchanged'
  readonly object: KubeObject
}

/** How to apply. */
export interface ApplyMethod {
  readonly serverSide: boolean
  /** Take fields that other managers have otherwise. */
  readonly force?: boolean
  /** Who applies. Default: what kubectl calls itself, so that both clients continue each other's work. */
  readonly fieldManager?: string | undefined
  readonly dryRun: DryRun
}

/** What is applied, and where. */
export interface ManifestTarget {
  readonly resource: ApiResource
  readonly manifest: Manifest
  readonly at: At
}

export async function applyManifest(
  cluster: Cluster,
  given: Manifest,
  method: ApplyMethod,
  onWarning: (text: string) => void,
): Promise<Applied> {
  const resource = await cluster.discovery.ofKind(given.apiVersion, given.kind)
  const { name } = given.metadata
  if (!name) throw new ExitError('invalid', `a ${given.kind} has no metadata.name; apply needs one (create -f takes generateName)`)
  const manifest = inNamespace(given, resource, cluster.namespace)
  const target: ManifestTarget = { resource, manifest, at: { namespace: manifest.metadata.namespace, name } }
  if (method.serverSide && method.dryRun !== 'client') return await applyServerSide(cluster, target, method, onWarning)
  return await applyClientSide(cluster, target, method, onWarning)
}

/** The manifest with the namespace that it goes to. */
export function inNamespace(manifest: Manifest, resource: ApiResource, namespace: string): Manifest {
  if (resource.scope === 'Cluster' || manifest.metadata.namespace) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, namespace } }
}

export async function getOrNothing(cluster: Cluster, resource: ApiResource, at: At): Promise<KubeObject | undefined> {
  try {
    return await getObject(cluster.client, resource, at)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
