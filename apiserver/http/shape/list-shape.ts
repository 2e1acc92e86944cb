import type { Kind } from '../../../lib/api/define-kind.js'
import type { StoredObject } from '../../storage/store.js'
import type { Shape } from './negotiate.js'
import { metadataBytes } from './shape-object.js'
import { columnDefinitions, createRowPrinter } from './table.js'

/** A list up to its first item. It ends with `]}`. */
export function listOpening(kind: Kind, shape: Shape, metadata: object): Buffer {
  const head = JSON.stringify(metadata)
  if (shape.as === 'table')
    return Buffer.from(
      `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${head},"columnDefinitions":${JSON.stringify(columnDefinitions(kind))},"rows":[`,
    )
  if (shape.as === 'metadata')
    return Buffer.from(`{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":${head},"items":[`)
  return Buffer.from(`{"kind":"${kind.listKind}","apiVersion":"${kind.apiVersion}","metadata":${head},"items":[`)
}

/** Prints one item. Plain objects are the stored bytes themselves. */
export function objectPrinter(kind: Kind, shape: Shape, nowMs: number): (object: StoredObject) => Buffer {
  if (shape.as === 'object') return (object) => object.bytes
  if (shape.as === 'metadata') return metadataBytes
  const printRow = createRowPrinter(kind, shape, nowMs)
  return (object) => Buffer.from(printRow(object))
}
