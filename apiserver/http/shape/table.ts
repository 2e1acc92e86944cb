/**
 * Tables: what `kubectl get` prints. The server computes every cell, AGE included; the columns are the kind's own, and a few kinds have
 * cells that no path can say (cells.ts).
 */
import type { Column, Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { printJson } from '../../../lib/api/json/print-json.js'
import { compileJsonPath, type JsonPath } from '../../../lib/api/json-path.js'
import { shortDuration } from '../../../lib/api/short-duration.js'
import { parseStored } from '../../registry/object-bytes.js'
import type { StoredObject } from '../../storage/store.js'
import { specialCells } from './cells.js'
import type { Shape } from './negotiate.js'

export type Cell = string | number | bigint | boolean | null

export interface TableOptions {
  readonly kind: Kind
  readonly objects: readonly StoredObject[]
  readonly shape: Shape & { as: 'table' }
  readonly nowMs: number
  /** The metadata of the list: resourceVersion, continue, remainingItemCount. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A whole Table as one line of JSON. */
export function tableBytes(options: TableOptions): Buffer {
  const { kind, objects, shape, nowMs, metadata } = options
  const printer = createRowPrinter(kind, shape, nowMs)
  const head = `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${JSON.stringify(columnDefinitions(kind))},"rows":[`
  return Buffer.from(`${head}${objects.map(printer).join(',')}]}`)
}

export function columnDefinitions(kind: Kind): object[] {
  const name = { name: 'Name', type: 'string', format: 'name', description: 'Unique within the namespace for the kind.', priority: 0 }
  return [...(kind.nameFirst === false ? [] : [name]), ...kind.columns.map(columnDefinition)]
}

function columnDefinition(column: Column): object {
  // Clients compute nothing from a date column that already holds an age, so the type sent is string.
  const type = column.type === 'date' || column.type === undefined ? 'string' : column.type
  return { name: column.name, type, format: column.format ?? '', description: column.description ?? '', priority: column.priority ?? 0 }
}

/** Prints one row as JSON. Made once per table: paths are compiled here. */
export function createRowPrinter(kind: Kind, shape: Shape & { as: 'table' }, nowMs: number): (object: StoredObject) => string {
  const paths = kind.columns.map((column) => compileJsonPath(column.jsonPath))
  // Only the numbers of users' kinds may be longer than a double holds.
  const [read, print] = kind.definedBy ? [parseStored, printJson] : [parsePlain, JSON.stringify]
  return (stored) => {
    const object = read(stored)
    const special = specialCells(kind, object, nowMs)
    const cells = kind.columns.map((column, index) => special[column.name] ?? cellAt(object, column, paths[index], nowMs))
    const all = kind.nameFirst === false ? cells : [object.metadata.name, ...cells]
    return `{"cells":${print(all)},"object":${rowObject(stored, object, shape)}}`
  }
}

const parsePlain = (stored: StoredObject) => JSON.parse(stored.bytes.toString()) as KubeObject

function rowObject(stored: StoredObject, object: KubeObject, shape: Shape & { as: 'table' }): string {
  if (shape.includeObject === 'None') return 'null'
  if (shape.includeObject === 'Object') return stored.bytes.toString()
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata })
}

function cellAt(object: KubeObject, column: Column, path: JsonPath | undefined, nowMs: number): Cell {
  const [value] = path?.(object) ?? []
  if (value === undefined || value === null) return null
  switch (column.type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return age(value, nowMs)
    default:
      return typeof value === 'string' ? value : (printJson(value) ?? null)
  }
}

/** Time since an RFC 3339 timestamp, as `3m12s`. */
export function age(value: unknown, nowMs: number): string {
  const then = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(then) ? '<invalid>' : shortDuration(Math.max(0, nowMs - then))
}
