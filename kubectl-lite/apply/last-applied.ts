import type { KubeObject } from '../../lib/api/define-kind.js'
import { printCanonicalJson } from '../../lib/api/json/canonical-json.js'
import type { Manifest } from '../manifests/decode-manifests.js'

/** The field manager of kubectl's own client-side apply: the two clients share objects. */
export const clientSideManager = 'kubectl-client-side-apply'

/** Where kubectl keeps the last manifest; kubectl-lite shares it, so that both clients can apply one object. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** The manifest with the annotation that holds it, byte for byte as kubectl writes it. */
export function withLastApplied(manifest: Manifest): Manifest {
  const { [lastAppliedAnnotation]: _old, ...annotations } = manifest.metadata.annotations ?? {}
  const text = `${printCanonicalJson({ ...manifest, metadata: { ...manifest.metadata, annotations } })}\n`
  return { ...manifest, metadata: { ...manifest.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } }
}

/** The manifest that was applied last, if the object says it. */
export function lastApplied(live: KubeObject): Record<string, unknown> | undefined {
  const text = live.metadata.annotations?.[lastAppliedAnnotation]
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** The object as it is without the annotation. */
export function withoutLastApplied(object: KubeObject): KubeObject {
  const { annotations, ...metadata } = object.metadata
  if (annotations?.[lastAppliedAnnotation] === undefined) return object
  const { [lastAppliedAnnotation]: _applied, ...others } = annotations
  return { ...object, metadata: Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others } }
}
