import type { AccessRequest } from '../authorizer.js'
import type { PolicyRule } from './policy.js'

/** Whether one rule allows a request. Pure. */
export function ruleAllows(rule: PolicyRule, request: AccessRequest): boolean {
  if (!includesOrAll(rule.verbs, request.verb)) return false
  if (request.resource === '') return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, request.path))
  return (
    includesOrAll(rule.apiGroups ?? [], request.group) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, request)) &&
    nameMatches(rule.resourceNames ?? [], request)
  )
}

function includesOrAll(patterns: readonly string[], value: string): boolean {
  return patterns.includes('*') || patterns.includes(value)
}

/** `tasks` is not `tasks/status`; only `*` is both. */
function resourceMatches(pattern: string, { resource, subresource }: AccessRequest): boolean {
  if (pattern === '*') return true
  if (subresource === '') return pattern === resource
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`
}

/** A request without a name (create, list, deletecollection) matches no rule that has names; a list or watch may name one by field selector. */
function nameMatches(names: readonly string[], request: AccessRequest): boolean {
  return names.length === 0 || names.includes(requestedName(request))
}

/** The one object that a request is about: its name, or the name that the selector of a list or watch demands. Else empty. */
export function requestedName(request: AccessRequest): string {
  if (request.name !== '') return request.name
  return request.verb === 'list' || request.verb === 'watch' ? (request.fieldEquals?.['metadata.name'] ?? '') : ''
}

/** A pattern ends in `*` or is the path itself. */
function pathMatches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
