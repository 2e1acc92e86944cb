/**
 * Objects that kubectl applied client-side carry the last manifest in an annotation. When the manager
 * `kubectl` applies such an object, what the manifest said and still holds is no conflict, and the annotation
 * is kept up to date, so that client-side apply may take over again.
 */
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { printCanonicalJson } from '../../../lib/api/json/canonical-json.js'
import { decodeJson } from '../../../lib/api/json/decode-json.js'
import { appliedFields } from '../../../lib/api/managed-fields/applied-fields.js'
import { differenceOf, type FieldSet, noFields } from '../../../lib/api/managed-fields/field-set.js'
import { trackedPart } from '../../../lib/api/managed-fields/tracked-part.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { compareFields } from './compare-fields.js'

/** The one manager that is taken for the successor of client-side apply. */
export const clientSideSuccessor = 'kubectl'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
const maxAnnotationBytes = 256 * 1024

/** The fields of the last manifest that the object still has as it said. */
export function lastAppliedFields(schema: JsonSchema, live: KubeObject): FieldSet {
  const manifest = lastManifest(live)
  if (!manifest) return noFields
  const { changed, removed } = compareFields(schema, trackedPart(live), trackedPart(manifest))
  return differenceOf(differenceOf(appliedFields(schema, manifest), changed), removed)
}

/** The annotation as a field, where the object has it. */
export function lastAppliedAnnotationField(live: KubeObject): FieldSet {
  if (live.metadata.annotations?.[annotation] === undefined) return noFields
  return { 'f:metadata': { 'f:annotations': { [`f:${annotation}`]: noFields } } }
}

function lastManifest(live: KubeObject): KubeObject | undefined {
  const text = live.metadata.annotations?.[annotation]
  if (text === undefined) return undefined
  try {
    const { metadata, ...rest } = decodeJson(Buffer.from(text)).value as Partial<KubeObject>
    return { ...rest, metadata: { ...metadata } } as KubeObject
  } catch {
    // Whatever stands there was not written by kubectl: it says nothing.
    return undefined
  }
}

/** The object with the annotation that says what was applied now; as it is where it has no annotation. */
export function withLastApplied(object: KubeObject, configuration: KubeObject): KubeObject {
  const { annotations } = object.metadata
  if (annotations?.[annotation] === undefined) return object
  const { [annotation]: _old, ...others } = annotations
  const text = `${printCanonicalJson(withoutLastApplied(configuration))}\n`
  const kept = Buffer.byteLength(text) > maxAnnotationBytes ? others : { ...others, [annotation]: text }
  return { ...object, metadata: { ...object.metadata, annotations: kept } }
}

function withoutLastApplied(configuration: KubeObject): KubeObject {
  const { annotations } = configuration.metadata
  if (annotations?.[annotation] === undefined) return configuration
  const { [annotation]: _own, ...others } = annotations
  return { ...configuration, metadata: { ...configuration.metadata, annotations: others } }
}
