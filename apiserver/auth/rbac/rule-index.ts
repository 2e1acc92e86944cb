import type { AccessRequest } from '../authorizer.js'
import type { PolicyRule } from './policy.js'
import { pathMatches, requestedName, resourcePatterns } from './rule-match.js'

/** One rule, ready to be asked; `undefined` stands for all. */
interface ReadyRule {
  readonly verbs: ReadonlySet<string> | undefined
  readonly groups: ReadonlySet<string> | undefined
  readonly names: ReadonlySet<string> | undefined
}

interface PathRule {
  readonly verbs: ReadonlySet<string> | undefined
  readonly patterns: readonly string[]
}

/** Rules found by the resource that they name: a question looks at those that speak of its resource, however many there are. */
export class RuleIndex {
  readonly #byResource = new Map<string, ReadyRule[]>()
  readonly #paths: PathRule[] = []

  constructor(rules: readonly PolicyRule[]) {
    for (const rule of rules) this.#add(rule)
  }

  /** Whether one of the rules allows the request. */
  allows(request: AccessRequest): boolean {
    if (request.resource === '') return this.#allowsPath(request)
    for (const pattern of resourcePatterns(request.resource, request.subresource))
      for (const { verbs, groups, names } of this.#byResource.get(pattern) ?? [])
        if (includes(verbs, request.verb) && includes(groups, request.group) && includes(names, requestedName(request))) return true
    return false
  }

  #add(rule: PolicyRule): void {
    const verbs = setOrAll(rule.verbs)
    if (rule.nonResourceURLs?.length) this.#paths.push({ verbs, patterns: rule.nonResourceURLs })
    const names = rule.resourceNames?.length ? new Set(rule.resourceNames) : undefined
    const ready = { verbs, groups: setOrAll(rule.apiGroups ?? []), names }
    for (const pattern of new Set(rule.resources)) {
      const rules = this.#byResource.get(pattern)
      if (rules) rules.push(ready)
      else this.#byResource.set(pattern, [ready])
    }
  }

  #allowsPath({ verb, path }: AccessRequest): boolean {
    return this.#paths.some(({ verbs, patterns }) => includes(verbs, verb) && patterns.some((pattern) => pathMatches(pattern, path)))
  }
}

function setOrAll(values: readonly string[]): ReadonlySet<string> | undefined {
  return values.includes('*') ? undefined : new Set(values)
}

/** A request without a name (create, list, deletecollection) matches no rule that has names. */
function includes(values: ReadonlySet<string> | undefined, value: string): boolean {
  return values === undefined || values.has(value)
}
