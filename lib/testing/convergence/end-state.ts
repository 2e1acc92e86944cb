/**
 * What of a cluster's objects counts when two runs are compared: everything but what no two runs share. Times, revisions and generations
 * go; uids and generated names become what they stand for.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Kind, KubeObject } from '../../api/define-kind.js'
import type { Snapshot } from '../snapshot.js'

/** By `Kind namespace/name`, what is there. Objects with generated names share one place. */
export type EndState = ReadonlyMap<string, readonly unknown[]>

export function endStateOf(snapshot: Snapshot, kinds: readonly Kind[]): EndState {
  const objects = kinds.flatMap((kind) => snapshot.list(kind) as unknown as KubeObject[])
  const words = new Map(
    objects.flatMap((object) => [[object.metadata.uid, `the uid of ${placeOf(object)}`] as const, ...generatedName(object)]),
  )
  const places = new Map<string, unknown[]>()
  for (const object of objects) {
    const place = placeOf(object)
    places.set(place, [...(places.get(place) ?? []), comparable(object, words)])
  }
  for (const forms of places.values()) forms.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
  return places
}

/** In which the two differ, in words; nothing when they are the same. */
export function differences(actual: EndState, undisturbed: EndState): string[] {
  const places = [...new Set([...undisturbed.keys(), ...actual.keys()])].sort()
  return places.flatMap((place) => {
    const [is = [], should = []] = [actual.get(place), undisturbed.get(place)]
    if (isDeepStrictEqual(is, should)) return []
    if (is.length !== should.length) return [`${place}: there ${count(is.length)}; undisturbed, ${count(should.length)}`]
    return is.flatMap((form, index) => fieldDifferences(place, form, should[index]))
  })
}

const count = (number: number) => (number === 0 ? 'is none' : number === 1 ? 'is one' : `are ${number}`)

/** `path` is `Task default/a .spec.size`, or the place alone. */
function fieldDifferences(path: string, actual: unknown, undisturbed: unknown): string[] {
  if (isDeepStrictEqual(actual, undisturbed)) return []
  if (!isRecord(actual) || !isRecord(undisturbed)) return [`${path} is ${print(actual)}; undisturbed, ${print(undisturbed)}`]
  const fields = new Set([...Object.keys(actual), ...Object.keys(undisturbed)])
  const inner = path.includes(' .') ? `${path}.` : `${path} .`
  return [...fields].flatMap((field) => fieldDifferences(inner + field, actual[field], undisturbed[field]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const print = (value: unknown) => (value === undefined ? 'absent' : JSON.stringify(value))

function placeOf({ kind, metadata: { namespace, name, generateName } }: KubeObject): string {
  const shown = generateName ? `${generateName}*` : name
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${shown}`
}

function generatedName({ metadata: { name, generateName } }: KubeObject): (readonly [string, string])[] {
  return generateName ? [[name, `${generateName}*`]] : []
}

/** Fields of the metadata that differ from run to run, or follow from the rest. */
const ofOneRun = new Set(['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'generateName', 'selfLink'])

function comparable(object: KubeObject, words: ReadonlyMap<string, string>): unknown {
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([field]) => !ofOneRun.has(field)))
  if (object.metadata.deletionTimestamp) metadata.deletionTimestamp = 'set'
  const owners = object.metadata.ownerReferences?.map((owner) => ({ ...owner, uid: words.get(owner.uid) ?? 'the uid of what is gone' }))
  return spoken({ ...object, metadata: { ...metadata, ...(owners ? { ownerReferences: owners } : {}) } }, words, object.metadata.generation)
}

/** With words for uids and generated names, and without the times of conditions. */
function spoken(value: unknown, words: ReadonlyMap<string, string>, generation: number | undefined): unknown {
  if (typeof value === 'string') return words.get(value) ?? value
  if (Array.isArray(value)) return value.map((item) => spoken(item, words, generation))
  if (!isRecord(value)) return value
  const fields = Object.entries(value).filter(([name]) => name !== 'lastTransitionTime')
  return Object.fromEntries(
    fields.map(([name, field]) => [
      name,
      name === 'observedGeneration' ? (field === generation ? 'the newest' : 'an older one') : spoken(field, words, generation),
    ]),
  )
}
