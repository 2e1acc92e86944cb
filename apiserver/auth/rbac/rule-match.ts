/** How one part of a rule is compared with one part of a request. Pure. */
import type { AccessRequest } from '../authorizer.js'

/**
 * The patterns of `resources` that match: `tasks` is not `tasks/status`; only `*` is both.
 *
 *     resourcePatterns('tasks', 'status')   // ['*', 'tasks/status', '∗/status']
 */
export function resourcePatterns(resource: string, subresource: string): readonly string[] {
  return subresource === '' ? ['*', resource] : ['*', `${resource}/${subresource}`, `*/${subresource}`]
}

/** The one object that a request is about: its name, or the name that the selector of a list or watch demands. Else empty. */
export function requestedName(request: AccessRequest): string {
  if (request.name !== '') return request.name
  return request.verb === 'list' || request.verb === 'watch' ? (request.fieldEquals?.['metadata.name'] ?? '') : ''
}

/** A pattern ends in `*` or is the path itself. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
