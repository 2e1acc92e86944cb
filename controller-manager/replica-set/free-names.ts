import { createHash } from 'node:crypto'

/** Letters and digits that make no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
/** A task's name is a DNS label of at most 63 characters. */
const maxBaseLength = 57

/**
 * Names for new tasks of a set: NAME-xxxxx. They come from the set's uid, in one order, and those in use are left out: whoever decides
 * twice on the same state asks for the same names, and the server refuses the second.
 */
export function freeNames(set: { readonly name: string; readonly uid: string }, count: number, taken: ReadonlySet<string>): string[] {
  const base = set.name.slice(0, maxBaseLength).replace(/-+$/, '')
  const names = new Set<string>()
  for (let index = 0; names.size < count; index++) {
    const name = `${base}-${suffix(`${set.uid}/${index}`)}`
    if (!taken.has(name)) names.add(name)
  }
  return [...names]
}

function suffix(seed: string): string {
  const bytes = createHash('sha256').update(seed).digest()
  return Array.from(bytes.subarray(0, 5), (byte) => alphabet[byte % alphabet.length]).join('')
}
