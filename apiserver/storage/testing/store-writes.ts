/** Drafts, keys and writes in as few words as a test wants. For tests of the store. */
import type { ObjectKey } from '../../../lib/api/object-key.js'
import type { PolicyOf } from '../create-store.js'
import type { Decide, Facets, ObjectDraft, Store, StoredObject, WriteResult } from '../store.js'

/** tasks keep history and are indexed by node; leases do not keep it; secrets are sealed. */
export const policyOf: PolicyOf = (_group, resource) => {
  if (resource === 'leases') return { history: 'none', encrypted: false, indexed: [] }
  if (resource === 'secrets') return { history: 'keep', encrypted: true, indexed: [] }
  if (resource === 'tasks') return { history: 'keep', encrypted: false, indexed: ['spec.nodeName'] }
  return undefined
}

export const writer = { actor: 'tester', requestId: 'r1' }

/** `task('a')` lies in the namespace default; `task('ns-1/a')` in ns-1. */
export const task = (path: string): ObjectKey => keyOf('millrace.dev', 'tasks', path)
export const lease = (path: string): ObjectKey => keyOf('coordination.k8s.io', 'leases', path)
export const secret = (path: string): ObjectKey => keyOf('', 'secrets', path)

function keyOf(group: string, resource: string, path: string): ObjectKey {
  const [first = '', second] = path.split('/')
  return second === undefined ? { group, resource, namespace: 'default', name: first } : { group, resource, namespace: first, name: second }
}

export interface DraftFields extends Partial<Facets> {
  readonly uid?: string
  readonly value?: unknown
}

export function draftOf(key: ObjectKey, { uid = `uid-${key.name}`, value, ...facets }: DraftFields = {}): ObjectDraft {
  const head = '{"apiVersion":"v1","kind":"Thing","metadata":{'
  const text = `${head}"name":${JSON.stringify(key.name)},"namespace":${JSON.stringify(key.namespace)},"uid":${JSON.stringify(uid)}},"value":${JSON.stringify(value ?? null)}}`
  return { uid, bytes: Buffer.from(text), spliceAt: head.length, facets: { labels: {}, fields: {}, owners: [], claims: [], ...facets } }
}

/** Creates or replaces, whatever is there. */
export const put = (store: Store, key: ObjectKey, fields?: DraftFields): Promise<WriteResult> =>
  store.write(key, () => ({ type: 'put', draft: draftOf(key, fields) }), writer)

/** Deletes what is there, as it is. */
export const remove = (store: Store, key: ObjectKey): Promise<WriteResult> => store.write(key, removal(key), writer)

const removal =
  (key: ObjectKey): Decide =>
  (current) => {
    if (!current) return { type: 'unchanged' }
    const { value } = JSON.parse(current.bytes.toString())
    return { type: 'delete', draft: draftOf(key, { uid: current.uid, value, ...current.facets }) }
  }

/** What the bytes say. */
export function contentOf(object: StoredObject | undefined): { resourceVersion: string; value: unknown } | undefined {
  if (!object) return undefined
  const parsed = JSON.parse(object.bytes.toString())
  return { resourceVersion: parsed.metadata.resourceVersion, value: parsed.value }
}

export const namesOf = (objects: readonly StoredObject[]): string[] => objects.map(({ key }) => `${key.namespace}/${key.name}`)

/** The failure of a promise; fails itself when there was none. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('the promise did not reject with an Error')
}
