import type { StoredObject } from './store.js'

/** The object's content under another revision: its bytes with the resourceVersion, which is always the first one in them, replaced. */
export function withRevision(object: StoredObject, revision: number): StoredObject {
  const { bytes } = object
  const start = bytes.indexOf(opening) + opening.length
  const end = bytes.indexOf(quote, start)
  if (start < opening.length || end === -1) throw new Error(`no resourceVersion in the bytes of ${object.key.name}`)
  const spliced = Buffer.concat([bytes.subarray(0, start), Buffer.from(String(revision)), bytes.subarray(end)])
  return { ...object, revision, bytes: spliced }
}
const opening = Buffer.from('"metadata":{"resourceVersion":"')
const quote = 0x22
