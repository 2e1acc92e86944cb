/**
 * Whether somebody who has some rules has others too: nobody gives away rights that they lack. Rules are broken into single rights (one verb, one
 * group, one resource, one name), and each must be covered by one of the rules that are held.
 */
import type { PolicyRule } from './policy.js'
import { pathMatches } from './rule-match.js'

/** So many single rights are looked at; more than that are to be written as several roles. */
export const maxRights = 20_000

export interface Coverage {
  /** The rules, or the single rights of them, that are not held; at most `shownRights`. */
  readonly missing: readonly PolicyRule[]
  /** Whether there were too many single rights to look at. */
  readonly tooMany: boolean
}
const shownRights = 10

/** Pure. */
export function coverage(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): Coverage {
  const missing: PolicyRule[] = []
  let looked = 0
  for (const rule of wanted) {
    if (held.some((owned) => covers(owned, rule))) continue
    for (const right of rightsOf(rule)) {
      if (++looked > maxRights) return { missing, tooMany: true }
      if (held.some((owned) => covers(owned, right))) continue
      missing.push(right)
      if (missing.length >= shownRights) return { missing, tooMany: false }
    }
  }
  return { missing, tooMany: false }
}

function* rightsOf(rule: PolicyRule): Generator<PolicyRule> {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  for (const verb of verbs) {
    for (const path of nonResourceURLs) yield { verbs: [verb], nonResourceURLs: [path] }
    for (const group of apiGroups)
      for (const resource of resources) {
        const right = { verbs: [verb], apiGroups: [group], resources: [resource] }
        if (resourceNames.length === 0) yield right
        for (const name of resourceNames) yield { ...right, resourceNames: [name] }
      }
  }
}

/** Whether one rule gives all that another gives. */
function covers(owned: PolicyRule, wanted: PolicyRule): boolean {
  return (
    includesAll(owned.verbs, wanted.verbs) &&
    includesAll(owned.apiGroups, wanted.apiGroups) &&
    coversResources(owned.resources, wanted.resources) &&
    coversNames(owned.resourceNames, wanted.resourceNames) &&
    (wanted.nonResourceURLs ?? []).every((path) => (owned.nonResourceURLs ?? []).some((pattern) => coversPath(pattern, path)))
  )
}

function includesAll(owned: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return owned.includes('*') || wanted.every((value) => owned.includes(value))
}

function coversResources(owned: readonly string[] = [], wanted: readonly string[] = []): boolean {
  if (owned.includes('*')) return true
  return wanted.every((resource) => {
    const subresource = resource.slice(resource.indexOf('/') + 1)
    return owned.includes(resource) || (resource.includes('/') && owned.includes(`*/${subresource}`))
  })
}

function coversNames(owned: readonly string[] = [], wanted: readonly string[] = []): boolean {
  if (owned.length === 0) return true
  return wanted.length > 0 && wanted.every((name) => owned.includes(name))
}

/** A pattern that ends in `*` is covered by a shorter one, never by a path. */
function coversPath(owned: string, wanted: string): boolean {
  return owned === wanted || (owned.endsWith('*') && pathMatches(owned, wanted.endsWith('*') ? wanted.slice(0, -1) : wanted))
}
