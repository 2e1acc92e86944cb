import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import { parseFacets, printFacets } from './facets-json.js'
import type { Keyring } from './keyring.js'
import type { LogRow, LogStep, ObjectRow } from './log-driver.js'
import type { Change, ObjectDraft, StoredObject, WriteContext } from './store.js'

/** The layout of stored bytes: JSON with a fixed head, resourceVersion spliced in. */
const bytesFormat = 1

/** What a sealed row is bound to. */
export function rowIdentity(row: { key: ObjectKey; uid: string; revision: number }): string {
  return `${printKey(row.key)} ${row.uid} ${row.revision}`
}

/** The draft as an object of `revision`. Its bytes are a buffer of their own: cached bytes must not pin a pool. */
export function storedObject(key: ObjectKey, draft: ObjectDraft, revision: number, createRevision: number): StoredObject {
  const insertion = `"resourceVersion":"${revision}",`
  const bytes = Buffer.allocUnsafeSlow(draft.bytes.length + insertion.length)
  draft.bytes.copy(bytes, 0, 0, draft.spliceAt)
  bytes.write(insertion, draft.spliceAt, 'latin1')
  draft.bytes.copy(bytes, draft.spliceAt + insertion.length, draft.spliceAt)
  return { key, revision, createRevision, uid: draft.uid, bytes, facets: draft.facets }
}

/** A change as the log keeps it; sealed when its kind is. */
export function rowOfChange(change: Change, context: WriteContext, timeMs: number, keyring: Keyring | undefined): LogRow {
  const { key, revision, createRevision, uid, bytes, facets } = change.object
  const stored = keyring ? keyring.seal(bytes, rowIdentity(change.object)) : { bytes, sealedBy: '' }
  return {
    revision,
    type: change.type,
    key,
    uid,
    createRevision,
    previousRevision: change.previous?.revision ?? 0,
    format: bytesFormat,
    facets: printFacets(facets),
    actor: context.actor,
    requestId: context.requestId,
    timeMs,
    ...stored,
  }
}

/** The object of a row, opened. */
export function objectOfRow(row: ObjectRow, keyring: Keyring): StoredObject {
  return {
    key: row.key,
    revision: row.revision,
    createRevision: row.createRevision,
    uid: row.uid,
    bytes: row.sealedBy === '' ? row.bytes : keyring.open(row.bytes, rowIdentity(row), row.sealedBy),
    facets: parseFacets(row.facets),
  }
}

/** The change of a row; `previous` is absent where the log no longer has it. */
export function changeOfStep(step: LogStep, keyring: Keyring): Change {
  return {
    type: step.row.type,
    revision: step.row.revision,
    object: objectOfRow(step.row, keyring),
    ...(step.previous ? { previous: objectOfRow(step.previous, keyring) } : {}),
  }
}
