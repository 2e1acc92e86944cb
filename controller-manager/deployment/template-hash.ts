import { createHash } from 'node:crypto'
import { printCanonicalJson } from '../../lib/api/json/canonical-json.js'
import type { PodTemplate } from '../../lib/api/pod-template/pod-template.js'

/** Letters and digits that make no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
const hashLength = 10

/** Names a template: the label of its set and of the set's tasks, and the end of the set's name. `collisions` makes another name. */
export function templateHash(template: PodTemplate, collisions: number): string {
  const bytes = createHash('sha256')
    .update(`${collisions} ${printCanonicalJson(template)}`)
    .digest()
  return Array.from(bytes.subarray(0, hashLength), (byte) => alphabet[byte % alphabet.length]).join('')
}
