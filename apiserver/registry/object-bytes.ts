import { ApiError } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { parseExact } from '../../lib/api/json/parse-exact.js'
import { printJson } from '../../lib/api/json/print-json.js'
import { maxValues, scanJson } from '../../lib/api/json/scan-json.js'
import type { ObjectDraft, StoredObject } from '../storage/store.js'
import { extractFacets } from './extract-facets.js'
import type { ResourceRules } from './resource-rules.js'

/** The largest object that is stored, of kinds that do not say less. */
const maxObjectBytes = 1_500_000

/** Serialises an object that the committer will give a revision. */
export function toDraft(rules: ResourceRules, object: KubeObject): ObjectDraft {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object
  const bytes = Buffer.from(printJson({ apiVersion: rules.storedAs, kind: rules.kind.kind, metadata, ...rest }))
  const { maxBytes = maxObjectBytes } = rules.kind
  if (bytes.length > maxBytes)
    throw new ApiError('RequestEntityTooLarge', `the object is too large: ${bytes.length} bytes, at most ${maxBytes} are allowed`)
  if (bytes.length > maxValues && scanJson(bytes).values > maxValues)
    throw new ApiError('RequestEntityTooLarge', `the object is too large: at most ${maxValues} members and items are allowed`)
  return { uid: metadata.uid, bytes, spliceAt: rules.head.length, facets: extractFacets(rules, object) }
}

/** The draft of an object that stays as it is but for its revision: for its deletion. */
export function toUnchangedDraft(stored: StoredObject): ObjectDraft {
  const spliceAt = stored.bytes.indexOf(metadataStart) + metadataStart.length
  const revision = `"resourceVersion":"${stored.revision}",`
  const bytes = Buffer.concat([stored.bytes.subarray(0, spliceAt), stored.bytes.subarray(spliceAt + revision.length)])
  return { uid: stored.uid, bytes, spliceAt, facets: stored.facets }
}

const metadataStart = Buffer.from('"metadata":{')

/** A draft as it would be stored at `revision`. */
export function spliceRevision(draft: ObjectDraft, revision: number): Buffer {
  const { bytes, spliceAt } = draft
  return Buffer.concat([bytes.subarray(0, spliceAt), Buffer.from(`"resourceVersion":"${revision}",`), bytes.subarray(spliceAt)])
}

/** Whether the object lies in the version that the kind stores now: an update without a change brings it there. */
export function isStoredAs({ kind, head }: ResourceRules, { bytes }: StoredObject): boolean {
  return kind.definedBy === undefined || bytes.toString('utf8', 0, head.length) === head
}

/** A private copy of a stored object, its resourceVersion included, long integers exact. */
export function parseStored(stored: StoredObject): KubeObject {
  const text = stored.bytes.toString('utf8')
  return (scanJson(stored.bytes).longNumber ? parseExact(text).value : JSON.parse(text)) as KubeObject
}
