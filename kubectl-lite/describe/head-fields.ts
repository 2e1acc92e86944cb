import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { type Field, keyLines } from './text-block.js'

/** What is said of every object first. */
export function headFields({ metadata }: { readonly metadata: ObjectMeta }, nowMs: number): Field[] {
  const { name, namespace, labels, annotations, creationTimestamp, deletionTimestamp, finalizers = [] } = metadata
  const waits = finalizers.length > 0 ? `; waits for ${finalizers.join(', ')}` : ''
  return [
    ['Name', name],
    ['Namespace', namespace],
    ['Labels', keyLines(labels)],
    ['Annotations', keyLines(annotations)],
    ['Created', `${creationTimestamp} (${shortDuration(nowMs - Date.parse(creationTimestamp))} ago)`],
    ['Deletion', deletionTimestamp ? `asked for at ${deletionTimestamp}${waits}` : undefined],
  ]
}
