/**
 * What an object alone may hold, as texts in its facets. Two objects of a resource never hold the same claim. A claim `parts:WHOLE#PART` is
 * of a part: it also clashes with `parts:WHOLE`, which clashes with each of its parts. Any other claim is a whole of its own.
 */
import { conflict } from '../../lib/api/api-error.js'
import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import type { ReadView } from './store.js'

const parted = 'parts:'
const partMark = '#'

/** The claim of a whole, or of a part of it. `whole` has no `#`. */
export function partedClaim(whole: string, part?: string): string {
  return part === undefined ? `${parted}${whole}` : `${parted}${whole}${partMark}${part}`
}

/** The whole that a claim is a part of. */
export function wholeOf(claim: string): string | undefined {
  const end = claim.startsWith(parted) ? claim.indexOf(partMark) : -1
  return end < 0 ? undefined : claim.slice(0, end)
}

/** Claims are held within one resource; what a claim says of its namespace is in its text. */
export function claimId(key: Pick<ObjectKey, 'group' | 'resource'>, claim: string): string {
  return `${key.group}/${key.resource}:${claim}`
}

/** Writes down who holds a claim, and of which whole it is a part: holders and the claims of parts, both by claimId. */
export function holdClaim(
  key: ObjectKey,
  claim: string,
  holders: { set(id: string, holder: ObjectKey): unknown },
  parts: Map<string, Set<string>>,
): void {
  holders.set(claimId(key, claim), key)
  const whole = wholeOf(claim)
  if (whole === undefined) return
  const id = claimId(key, whole)
  const known = parts.get(id)
  if (known) known.add(claim)
  else parts.set(id, new Set([claim]))
}

/** Throws a Conflict that names the holder when `object` claims what another one holds. */
export function assertUnclaimed(key: ObjectKey, claims: readonly string[], view: Pick<ReadView, 'holdersOf'>): void {
  for (const claim of claims)
    for (const holder of view.holdersOf(key.group, key.resource, claim))
      if (printKey(holder) !== printKey(key)) throw claimed(key, claim, holder)
}

function claimed(key: ObjectKey, claim: string, holder: ObjectKey): Error {
  const what = claim.replace(/^[a-z]+:/, '').replace(partMark, ' at ')
  const who = holder.namespace === '' ? holder.name : `${holder.namespace}/${holder.name}`
  return conflict(key, `${what} is already held by ${holder.resource} "${who}"`)
}
