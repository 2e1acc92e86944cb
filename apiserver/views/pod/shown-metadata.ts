import type { ObjectMeta } from '../../../lib/api/object-meta.js'

/**
 * The source's own, resourceVersion first as in all stored bytes. What a tool notes about the source's manifest says nothing of the Pod.
 */
export function shownMetadata(metadata: ObjectMeta): ObjectMeta {
  const { managedFields: _fields, annotations: { [lastApplied]: _manifest, ...annotations } = {}, ...rest } = metadata
  return { ...rest, annotations: Object.keys(annotations).length > 0 ? annotations : undefined }
}
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
