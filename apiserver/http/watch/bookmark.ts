import type { Kind } from '../../../lib/api/define-kind.js'
import type { Shape } from '../shape/negotiate.js'

/** The object of a BOOKMARK: a kind and a revision, and where asked the mark that the initial state ends here. */
export function bookmarkBody(kind: Kind, shape: Shape, revision: number, initialEnd: boolean): Buffer {
  const metadata = {
    resourceVersion: String(revision),
    ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  }
  if (shape.as === 'table')
    return Buffer.from(JSON.stringify({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: [], rows: [] }))
  if (shape.as === 'metadata') return Buffer.from(JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }))
  return Buffer.from(JSON.stringify({ kind: kind.kind, apiVersion: kind.apiVersion, metadata }))
}
