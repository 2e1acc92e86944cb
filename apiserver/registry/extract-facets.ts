import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Facets } from '../storage/store.js'
import type { ResourceRules } from './resource-rules.js'

/** What an object is found by: labels, selectable fields, owners, and the values that it alone may hold. */
export function extractFacets(rules: ResourceRules, object: KubeObject): Facets {
  const { metadata } = object
  return {
    labels: metadata.labels ?? {},
    fields: extractFields(rules, object),
    owners: (metadata.ownerReferences ?? []).map((owner) => owner.uid),
    claims: extractClaims(rules, object),
  }
}

function extractFields({ kind, strategy }: ResourceRules, object: KubeObject): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const path of ['metadata.name', 'metadata.namespace', ...kind.indexed, ...(kind.definedBy ?? kind).selectable]) {
    const text = fieldText(object, path)
    if (text !== undefined) fields[path] = text
  }
  return strategy.fields ? { ...fields, ...strategy.fields(object) } : fields
}

function extractClaims({ kind, strategy }: ResourceRules, object: KubeObject): readonly string[] {
  const claims: string[] = []
  for (const { scope, fields } of kind.unique) {
    const values = fields.map((path) => fieldText(object, path))
    if (values.includes(undefined)) continue
    const room = scope === 'cluster' ? 'cluster' : `namespace/${object.metadata.namespace ?? ''}`
    claims.push(`${room}:${fields.join(',')}=${values.join(',')}`)
  }
  return strategy.claims ? [...claims, ...strategy.claims(object)] : claims
}

/** The scalar at a dotted path, as text. */
export function fieldText(object: unknown, path: string): string | undefined {
  let value = object
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return typeof value === 'object' || value === undefined ? undefined : String(value)
}
