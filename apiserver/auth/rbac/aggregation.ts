import { matchesLabels } from '../../../lib/api/label-selector.js'
import { selectorOf } from '../../../lib/api/label-selector-object.js'
import type { PolicyRole, PolicyRule } from './policy.js'

/**
 * The rules of every ClusterRole that the role's aggregationRule selects, each rule once; what those gather themselves is included. Pure.
 */
export function gatherRules(role: PolicyRole, clusterRoles: readonly PolicyRole[]): readonly PolicyRule[] {
  const seen = new Set<string>()
  const gathered = new Map<string, PolicyRule>()
  const visit = (current: PolicyRole): void => {
    if (seen.has(current.metadata.name)) return
    seen.add(current.metadata.name)
    if (current.aggregationRule === undefined) for (const rule of current.rules) gathered.set(identityOf(rule), rule)
    else for (const found of selectedBy(current, clusterRoles)) visit(found)
  }
  visit(role)
  return [...gathered.values()]
}

function selectedBy({ aggregationRule }: PolicyRole, clusterRoles: readonly PolicyRole[]): readonly PolicyRole[] {
  const selectors = (aggregationRule?.clusterRoleSelectors ?? []).map(selectorOf)
  const selected = clusterRoles.filter(({ metadata }) => selectors.some((selector) => matchesLabels(selector, metadata.labels ?? {})))
  return selected.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
}

/** Equal for equal rules: there may be thousands, so none is compared with another. */
function identityOf({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  return JSON.stringify([verbs, apiGroups, resources, resourceNames, nonResourceURLs])
}
