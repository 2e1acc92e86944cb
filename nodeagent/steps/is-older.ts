import type { ObjectMeta } from '../../lib/api/object-meta.js'

interface Versioned {
  readonly metadata: Pick<ObjectMeta, 'uid' | 'resourceVersion'>
}

/**
 * Whether `a` is an earlier state of the same object than `b`. Revisions of one cluster
 * are whole numbers that grow; whatever is none counts as new.
 */
export function isOlder(a: Versioned, b: Versioned): boolean {
  const [left, right] = [a, b].map(({ metadata }) =>
    /^\d+$/.test(metadata.resourceVersion) ? BigInt(metadata.resourceVersion) : undefined,
  )
  return a.metadata.uid === b.metadata.uid && left !== undefined && right !== undefined && left < right
}
