/**
 * Whether somebody who has some rules has others too: nobody gives away rights that they lack. Rules are broken into single rights (one
 * verb, one group, one resource, one name), and each must be covered by one of the rules that are held.
 */
import type { PolicyRule } from './policy.js'
import { pathMatches } from './rule-match.js'

/** What is looked at in one question, in parts of rules that are compared: more than that is to be written as several roles. */
const maxCompared = 1_000_000

export interface Coverage {
  /** The rules, or the single rights of them, that are not held; at most `shownRights`. */
  readonly missing: readonly PolicyRule[]
  /** Whether there was too much to compare. */
  readonly tooMany: boolean
}
const shownRights = 10

/** Pure. */
export function coverage(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): Coverage {
  const missing: PolicyRule[] = []
  const owned: OwnedRule[] = []
  let left = maxCompared
  const isHeld = (right: PolicyRule): boolean => {
    const cost = sizeOf(right)
    return held.some((rule, index) => {
      const known = owned[index]
      left -= cost + (known ? 0 : setsCost * sizeOf(rule)) + sizeOfPaths(right) * sizeOfPaths(rule)
      if (left < 0) return false
      owned[index] = known ?? ready(rule)
      return covers(owned[index], right)
    })
  }
  for (const rule of wanted) {
    if (isHeld(rule)) continue
    for (const right of rightsOf(rule)) {
      const found = isHeld(right)
      if (left < 0) return { missing, tooMany: true }
      if (found) continue
      missing.push(right)
      if (missing.length >= shownRights) return { missing, tooMany: false }
    }
  }
  return { missing, tooMany: left < 0 }
}

/** To make a set of something is so many times as dear as to look for it in one. */
const setsCost = 4

/** A rule that is held, ready to be asked; an empty `names` stands for all. */
interface OwnedRule {
  readonly verbs: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  readonly names: ReadonlySet<string>
  readonly paths: readonly string[]
}

function ready({ verbs, apiGroups, resources, resourceNames, nonResourceURLs = [] }: PolicyRule): OwnedRule {
  return {
    verbs: new Set(verbs),
    groups: new Set(apiGroups),
    resources: new Set(resources),
    names: new Set(resourceNames),
    paths: nonResourceURLs,
  }
}

function sizeOf({ verbs, apiGroups = [], resources = [], resourceNames = [] }: PolicyRule): number {
  return 1 + verbs.length + apiGroups.length + resources.length + resourceNames.length
}

const sizeOfPaths = ({ nonResourceURLs = [] }: PolicyRule): number => nonResourceURLs.length

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
function covers(owned: OwnedRule, wanted: PolicyRule): boolean {
  return (
    includesAll(owned.verbs, wanted.verbs) &&
    includesAll(owned.groups, wanted.apiGroups) &&
    coversResources(owned.resources, wanted.resources) &&
    coversNames(owned.names, wanted.resourceNames) &&
    (wanted.nonResourceURLs ?? []).every((path) => owned.paths.some((pattern) => coversPath(pattern, path)))
  )
}

function includesAll(owned: ReadonlySet<string>, wanted: readonly string[] = []): boolean {
  return owned.has('*') || wanted.every((value) => owned.has(value))
}

function coversResources(owned: ReadonlySet<string>, wanted: readonly string[] = []): boolean {
  if (owned.has('*')) return true
  return wanted.every((resource) => {
    const subresource = resource.slice(resource.indexOf('/') + 1)
    return owned.has(resource) || (resource.includes('/') && owned.has(`*/${subresource}`))
  })
}

function coversNames(owned: ReadonlySet<string>, wanted: readonly string[] = []): boolean {
  if (owned.size === 0) return true
  return wanted.length > 0 && wanted.every((name) => owned.has(name))
}

/** A pattern that ends in `*` is covered by a shorter one, never by a path. */
function coversPath(owned: string, wanted: string): boolean {
  return owned === wanted || (owned.endsWith('*') && pathMatches(owned, wanted.endsWith('*') ? wanted.slice(0, -1) : wanted))
}
