import type { AccessRequest } from '../authorizer.js'
import type { PolicyRule } from './policy.js'
import { pathMatches, requestedName, resourcePatterns } from './rule-match.js'

/** One rule, ready to be asked; `undefined` stands for all. */
interface ReadyRule<Source> {
  readonly verbs: ReadonlySet<string> | undefined
  readonly groups: ReadonlySet<string> | undefined
  readonly names: ReadonlySet<string> | undefined
  readonly source: Source
}

interface PathRule<Source> {
  readonly verbs: ReadonlySet<string> | undefined
  readonly patterns: readonly string[]
  readonly source: Source
}

/** Rules found by the resource that they name: a question looks at those that speak of its resource, however many there are. */
export class RuleIndex<Source> {
  readonly #byResource = new Map<string, ReadyRule<Source>[]>()
  readonly #paths: PathRule<Source>[] = []

  add(rule: PolicyRule, source: Source): void {
    const verbs = setOrAll(rule.verbs)
    if (rule.nonResourceURLs?.length) this.#paths.push({ verbs, patterns: rule.nonResourceURLs, source })
    const names = rule.resourceNames?.length ? new Set(rule.resourceNames) : undefined
    const ready = { verbs, groups: setOrAll(rule.apiGroups ?? []), names, source }
    for (const pattern of new Set(rule.resources)) {
      const rules = this.#byResource.get(pattern)
      if (rules) rules.push(ready)
      else this.#byResource.set(pattern, [ready])
    }
  }

  /** Where a rule that allows the request comes from; undefined when none does. */
  find(request: AccessRequest): Source | undefined {
    if (request.resource === '') return this.#findPath(request)
    for (const pattern of resourcePatterns(request.resource, request.subresource))
      for (const { verbs, groups, names, source } of this.#byResource.get(pattern) ?? [])
        if (includes(verbs, request.verb) && includes(groups, request.group) && includes(names, requestedName(request))) return source
    return undefined
  }

  #findPath({ verb, path }: AccessRequest): Source | undefined {
    return this.#paths.find(({ verbs, patterns }) => includes(verbs, verb) && patterns.some((pattern) => pathMatches(pattern, path)))
      ?.source
  }
}

function setOrAll(values: readonly string[]): ReadonlySet<string> | undefined {
  return values.includes('*') ? undefined : new Set(values)
}

/** A request without a name (create, list, deletecollection) matches no rule that has names. */
function includes(values: ReadonlySet<string> | undefined, value: string): boolean {
  return values === undefined || values.has(value)
}
