import type { ObjectKey } from '../../../../lib/api/object-key.js'
import type { LogLink, LogMarks, LogRow, LogStep, ObjectRow, SealedBytes } from '../../log-driver.js'

/** The columns of an object, without its prefix. */
export const objectColumns = [
  'revision',
  'resource',
  'namespace',
  'name',
  'uid',
  'create_revision',
  'sealed_by',
  'facets',
  'bytes',
] as const
/** All columns of a row. */
export const rowColumns = [...objectColumns, 'op', 'previous_revision', 'format', 'actor', 'request_id', 'time'] as const

export interface KeyRecord {
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

export interface ObjectRecord extends KeyRecord {
  readonly revision: number
  readonly uid: string
  readonly create_revision: number
  readonly sealed_by: string
  readonly facets: string
  readonly bytes: Buffer
}

export interface RowRecord extends ObjectRecord {
  readonly op: number
  readonly previous_revision: number
  readonly format: number
  readonly actor: string
  readonly request_id: string
  readonly time: number
}

/** A row beside the columns of the one that it supersedes; null where that is gone. */
export type StepRecord = RowRecord & {
  readonly p_revision: number | null
  readonly p_uid: string
  readonly p_create_revision: number
  readonly p_sealed_by: string
  readonly p_facets: string
  readonly p_bytes: Buffer
}

export type LinkRecord = KeyRecord & Pick<RowRecord, 'revision' | 'op' | 'previous_revision' | 'time'>

export interface MarksRecord {
  readonly compact_revision: number
  readonly compacted_to: number
  readonly aged_to: number
}

const types = ['ADDED', 'MODIFIED', 'DELETED'] as const

/** `millrace.dev/tasks`, or `/nodes` of the core group: the column `resource`. */
export function resourceColumn(key: { group: string; resource: string }): string {
  return `${key.group}/${key.resource}`
}

function keyOf({ resource, namespace, name }: KeyRecord): ObjectKey {
  const slash = resource.indexOf('/')
  return { group: resource.slice(0, slash), resource: resource.slice(slash + 1), namespace, name }
}

function typeOf(op: number): LogRow['type'] {
  const type = types[op]
  if (!type) throw new Error(`the log has a row of the unknown kind ${op}`)
  return type
}

export function objectRowOf(record: ObjectRecord): ObjectRow {
  const { revision, uid, facets, bytes } = record
  return { revision, key: keyOf(record), uid, createRevision: record.create_revision, sealedBy: record.sealed_by, facets, bytes }
}

export function logRowOf(record: RowRecord): LogRow {
  const { op, previous_revision, format, actor, request_id, time } = record
  return {
    ...objectRowOf(record),
    type: typeOf(op),
    previousRevision: previous_revision,
    format,
    actor,
    requestId: request_id,
    timeMs: time,
  }
}

export function stepOf(record: StepRecord): LogStep {
  const row = logRowOf(record)
  if (record.p_revision === null) return { row, previous: undefined }
  const { p_revision, p_uid, p_create_revision, p_sealed_by, p_facets, p_bytes } = record
  const previous = {
    revision: p_revision,
    uid: p_uid,
    createRevision: p_create_revision,
    sealedBy: p_sealed_by,
    facets: p_facets,
    bytes: p_bytes,
  }
  return { row, previous: { ...previous, key: row.key } }
}

export function linkOf(record: LinkRecord): LogLink {
  const { revision, op, previous_revision, time } = record
  return { revision, type: typeOf(op), key: keyOf(record), previousRevision: previous_revision, timeMs: time }
}

export function marksOf(record: MarksRecord): LogMarks {
  return { compactRevision: record.compact_revision, compactedTo: record.compacted_to, agedTo: record.aged_to }
}

/** The two bound values of an append: the rows without bytes as JSON, with offset and length of theirs, and all bytes back to back. */
export function packRows(rows: readonly LogRow[]): [string, Buffer] {
  let offset = 1
  const metadata = rows.map((row) => {
    const { key, bytes } = row
    const packed = [
      ...[row.revision, types.indexOf(row.type), row.timeMs, resourceColumn(key), key.namespace, key.name, row.uid],
      ...[row.createRevision, row.previousRevision, row.format, row.sealedBy, row.facets, row.actor, row.requestId, offset, bytes.length],
    ]
    offset += bytes.length
    return packed
  })
  return [JSON.stringify(metadata), Buffer.concat(rows.map((row) => row.bytes))]
}

/** The same for bytes that are replaced. */
export function packBytes(rows: readonly SealedBytes[]): [string, Buffer] {
  let offset = 1
  const metadata = rows.map(({ revision, sealedBy, bytes }) => {
    const packed = [revision, sealedBy, offset, bytes.length]
    offset += bytes.length
    return packed
  })
  return [JSON.stringify(metadata), Buffer.concat(rows.map((row) => row.bytes))]
}
