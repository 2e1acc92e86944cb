/**
 * JSON patch (RFC 6902), on values that may hold bigints. The work that a patch may cause is bounded: copies, comparisons and shifted list
 * items all draw on one budget.
 */
import { ApiError, badRequest } from '../../lib/api/api-error.js'
import { cloneValue } from '../../lib/api/json/clone-value.js'
import { inspectValue } from '../../lib/api/json/inspect-value.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { maxValues } from '../../lib/api/json/scan-json.js'
import { listIndex, parsePointer } from './json-pointer.js'

export const maxOperations = 10_000
/** Values copied or compared by one patch. */
const maxWork = maxValues
/** So much text, or so many list items that are shifted, cost what one value costs. */
const cheapness = { text: 64, shift: 16 }

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: readonly string[]
  readonly from?: readonly string[]
  readonly value?: unknown
}

/** An operation that the document does not allow: 422. */
export class PatchRefused extends Error {}

/** Reads the body of a patch. Throws BadRequest for what is no patch, RequestEntityTooLarge for too many operations. */
export function parseJsonPatch(body: unknown): Operation[] {
  if (!Array.isArray(body)) throw badRequest('a JSON patch must be a list of operations')
  if (body.length > maxOperations)
    throw new ApiError('RequestEntityTooLarge', `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`)
  return body.map(parseOperation)
}

const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

function parseOperation(entry: unknown, index: number): Operation {
  const { op, path, from, value } = (entry ?? {}) as Record<string, unknown>
  const where = `operation ${index} of the JSON patch`
  if (typeof op !== 'string' || !operations.has(op)) throw badRequest(`${where}: op must be one of ${[...operations].join(', ')}`)
  if (typeof path !== 'string') throw badRequest(`${where}: path must be a string`)
  const needsFrom = op === 'move' || op === 'copy'
  if (needsFrom && typeof from !== 'string') throw badRequest(`${where}: from must be a string`)
  const needsValue = op === 'add' || op === 'replace' || op === 'test'
  if (needsValue && value === undefined) throw badRequest(`${where}: value is missing`)
  return {
    op: op as Operation['op'],
    path: parsePointer(path),
    ...(needsFrom ? { from: parsePointer(from as string) } : {}),
    ...(needsValue ? { value } : {}),
  }
}

/**
 * Applies the operations to `document`, which is changed and must be private. Throws PatchRefused when one does not fit the document,
 * BadRequest when the result nests too deep.
 */
export function applyJsonPatch(document: unknown, patch: readonly Operation[]): unknown {
  const editor = new Editor(document)
  for (const operation of patch) editor.apply(operation)
  inspectValue(editor.document)
  return editor.document
}

class Editor {
  document: unknown
  #work = maxWork

  constructor(document: unknown) {
    this.document = document
  }

  apply({ op, path, from = [], value }: Operation): void {
    switch (op) {
      case 'test':
        this.#spend(size(value))
        if (!sameValue(this.#read(path), value)) throw new PatchRefused(`testing value ${show(path)} failed`)
        return
      case 'add':
        this.#add(path, this.#copy(value))
        return
      case 'replace':
        this.#read(path)
        this.#replace(path, this.#copy(value))
        return
      case 'remove':
        this.#remove(path)
        return
      case 'copy':
        this.#add(path, this.#copy(this.#read(from)))
        return
      case 'move':
        if (path.length > from.length && from.every((part, index) => part === path[index]))
          throw new PatchRefused(`unable to move ${show(from)} into itself`)
        this.#add(path, this.#remove(from))
    }
  }

  #read(path: readonly string[]): unknown {
    let value = this.document
    for (const part of path) value = member(value, part, path)
    return value
  }

  #add(path: readonly string[], value: unknown): void {
    const last = path.at(-1)
    if (last === undefined) {
      this.document = value
      return
    }
    const parent = this.#read(path.slice(0, -1))
    if (Array.isArray(parent)) {
      const index = listIndex(last, parent.length)
      if (index === undefined || index > parent.length) throw missing(path)
      this.#spend((parent.length - index) / cheapness.shift)
      parent.splice(index, 0, value)
    } else {
      asObject(parent, path)[last] = value
    }
  }

  #replace(path: readonly string[], value: unknown): void {
    const last = path.at(-1)
    if (last === undefined) this.document = value
    else asObject(this.#read(path.slice(0, -1)), path)[last] = value
  }

  #remove(path: readonly string[]): unknown {
    const last = path.at(-1)
    if (last === undefined) throw new PatchRefused('unable to remove the whole document')
    const parent = this.#read(path.slice(0, -1))
    const removed = member(parent, last, path)
    if (Array.isArray(parent)) {
      this.#spend((parent.length - Number(last)) / cheapness.shift)
      parent.splice(Number(last), 1)
    } else {
      delete asObject(parent, path)[last]
    }
    return removed
  }

  /** A value of its own, so that a later operation does not change two places. */
  #copy(value: unknown): unknown {
    this.#spend(size(value))
    return cloneValue(value)
  }

  #spend(work: number): void {
    this.#work -= work
    if (this.#work < 0) throw new ApiError('RequestEntityTooLarge', 'the JSON patch copies, compares or shifts too much')
  }
}

function member(parent: unknown, part: string, path: readonly string[]): unknown {
  if (Array.isArray(parent)) {
    const index = listIndex(part, parent.length)
    if (index === undefined || index >= parent.length) throw missing(path)
    return parent[index]
  }
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, part)) throw missing(path)
  return (parent as Record<string, unknown>)[part]
}

/** Lists and objects take a member by key alike; anything else has none. */
function asObject(value: unknown, path: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw missing(path)
  return value as Record<string, unknown>
}

/** The number of values in a value; a long text counts by its length. */
function size(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / cheapness.text
  if (typeof value !== 'object' || value === null) return 1
  let total = 1
  for (const part of Object.values(value)) total += size(part)
  return total
}

const missing = (path: readonly string[]) => new PatchRefused(`the path ${show(path)} does not exist`)

function show(path: readonly string[]): string {
  const pointer = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return pointer.length > 200 ? `${pointer.slice(0, 200)}…` : pointer
}
