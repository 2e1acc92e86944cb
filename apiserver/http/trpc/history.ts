import { notFound } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { LogEntry, StoredObject } from '../../storage/store.js'
import type { ProcedureContext } from './app-router.js'
import { type FieldChange, objectDiff, withoutValues } from './object-diff.js'
import type { ParsedObjectInput } from './procedure-input.js'
import { ReadableObjects } from './readable-objects.js'

/** One write of an object. */
export interface HistoryRevision {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** RFC 3339, to the millisecond. */
  readonly time: string
  /** The user that wrote. */
  readonly actor: string
  readonly requestId: string
  readonly uid: string
  /** What the write changed; absent where the revision before it is no longer kept. */
  readonly changes?: readonly FieldChange[]
}

export interface History {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Where the window begins, in words. */
  readonly window: { readonly beginsAt: number | undefined; readonly isComplete: boolean; readonly text: string }
  /** Oldest first. */
  readonly revisions: readonly HistoryRevision[]
}

/** Who changed what of an object, of every object that had its name. Of sealed kinds the names of changed keys alone. */
export async function readHistory(context: ProcedureContext, input: ParsedObjectInput): Promise<History> {
  const objects = new ReadableObjects(context)
  const { kind, place } = objects.resolve(input)
  objects.demand(place)
  const entries = await context.parts.store.history(place)
  if (entries.length === 0) throw notFound(place)
  const revisions = entries.map((entry, index) => revisionOf(kind, entry, entries[index - 1]))
  return { kind: kind.kind, namespace: place.namespace, name: place.name, window: windowOf(kind, entries), revisions }
}

function revisionOf(kind: Kind, { change, actor, requestId, timeMs }: LogEntry, before: LogEntry | undefined): HistoryRevision {
  const { type, revision, object } = change
  const previous = before?.change.object.uid === object.uid ? before.change.object : undefined
  return {
    revision,
    type,
    time: new Date(timeMs).toISOString(),
    actor,
    requestId,
    uid: object.uid,
    ...(type === 'MODIFIED' && previous ? { changes: changesOf(kind, previous, object) } : {}),
  }
}

function changesOf(kind: Kind, before: StoredObject, after: StoredObject): FieldChange[] {
  const changes = objectDiff(parse(before), parse(after))
  return kind.encrypted ? withoutValues(changes) : changes
}

const parse = (stored: StoredObject) => JSON.parse(stored.bytes.toString()) as KubeObject

function windowOf(kind: Kind, entries: readonly LogEntry[]): History['window'] {
  const first = entries[0]?.change
  const isComplete = first?.type === 'ADDED'
  return { beginsAt: first?.revision, isComplete, text: windowText(kind, first?.revision, isComplete) }
}

function windowText(kind: Kind, beginsAt: number | undefined, isComplete: boolean): string {
  if (isComplete) return `complete: the object was created at revision ${beginsAt}`
  const why = kind.history === 'none' ? `only the newest revisions of ${kind.plural} are kept` : 'older ones are no longer kept'
  return `begins at revision ${beginsAt}: ${why}`
}
