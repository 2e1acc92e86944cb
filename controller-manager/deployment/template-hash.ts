import { createHash } from 'node:crypto'
import { printCanonicalJson } from '../../lib/api/json/canonical-json.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { templateHashLabel } from './annotations.js'

type Template = Deployment['spec']['template']

/** Letters and digits that make no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
const hashLength = 10

/** Names a template: the label of its set and of the set's tasks, and the end of the set's name. `collisions` makes another name. */
export function templateHash(template: Template, collisions: number): string {
  const bytes = createHash('sha256')
    .update(`${collisions} ${printCanonicalJson(template)}`)
    .digest()
  return Array.from(bytes.subarray(0, hashLength), (byte) => alphabet[byte % alphabet.length]).join('')
}

/** The same template with the label that names it, or without. */
export function withTemplateHash(template: Template, hash: string | undefined): Template {
  const { [templateHashLabel]: _before, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels: hash === undefined ? labels : { ...labels, [templateHashLabel]: hash } } }
}

/** Whether the set was made for this template. */
export function isSetOf({ spec }: Pick<ReplicaSet, 'spec'>, template: Template): boolean {
  return sameValue(withTemplateHash(spec.template, undefined), withTemplateHash(template, undefined))
}
