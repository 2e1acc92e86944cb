import type { ObjectMeta } from '../api/object-meta.js'

export interface MetaParts {
  readonly name?: string
  readonly namespace?: string
  readonly metadata?: Partial<ObjectMeta>
}

/** What the server writes into the metadata of a new object, with a uid that tells its name. */
export function aMeta({ name = 'a', namespace = 'default', metadata }: MetaParts): ObjectMeta {
  return {
    name,
    namespace,
    uid: namespace === 'default' ? `uid-${name}` : `uid-${namespace}-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  }
}
