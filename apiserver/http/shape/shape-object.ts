import type { Kind } from '../../../lib/api/define-kind.js'
import type { StoredObject } from '../../storage/store.js'
import type { Shape } from './negotiate.js'
import { tableBytes } from './table.js'

/** The object as the client asked for it, as one line of JSON. Plain objects are the stored bytes themselves. */
export function shapeObject(object: StoredObject, kind: Kind, shape: Shape, nowMs: number): Buffer {
  switch (shape.as) {
    case 'object':
      return object.bytes
    case 'metadata':
      return metadataBytes(object)
    case 'table':
      return tableBytes({ kind, objects: [object], shape, nowMs, metadata: { resourceVersion: String(object.revision) } })
  }
}

/** `{kind: PartialObjectMetadata, metadata}`: what metadata informers and table rows carry. */
export function metadataBytes(object: StoredObject): Buffer {
  const { metadata } = JSON.parse(object.bytes.toString()) as { metadata: object }
  return Buffer.from(JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }))
}
