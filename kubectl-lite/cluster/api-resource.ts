/** A kind as the server's discovery names it. Enough to address its objects. */
export interface ApiResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  readonly verbs: readonly string[]
  readonly subresources: readonly string[]
}

/** `millrace.dev/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: Pick<ApiResource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** `task.millrace.dev/hello`, as kubectl names an object in its messages. */
export function printObject(resource: Pick<ApiResource, 'singular' | 'group'>, name: string): string {
  return `${qualifiedSingular(resource)}/${name}`
}

/** `task.millrace.dev`, or `node` for the core group. */
export function qualifiedSingular(resource: Pick<ApiResource, 'singular' | 'group'>): string {
  return resource.group === '' ? resource.singular : `${resource.singular}.${resource.group}`
}

/** `tasks.millrace.dev`, or `nodes` for the core group. */
export function qualifiedPlural(resource: Pick<ApiResource, 'plural' | 'group'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}
