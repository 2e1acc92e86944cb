import type { Kind, KubeObject } from '../api/define-kind.js'

type Addressed = Pick<Kind, 'group' | 'version' | 'plural' | 'scope'>

export interface ResourceAddress {
  /** Left out: all namespaces of a namespaced kind. Cluster-scoped kinds ignore it. */
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
}

/** The URL path of a resource: `/apis/millrace.dev/v1/namespaces/default/tasks/hello/status`. */
export function resourcePath(kind: Addressed, at: ResourceAddress = {}): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const inNamespace = kind.scope === 'Namespaced' && at.namespace !== undefined ? `/namespaces/${segment(at.namespace)}` : ''
  const name = at.name === undefined ? '' : `/${segment(at.name)}`
  const subresource = at.subresource === undefined ? '' : `/${segment(at.subresource)}`
  return `${root}${inNamespace}/${kind.plural}${name}${subresource}`
}

/** `?a=1&b=2`, or nothing when no parameter is set. */
export function queryString(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.append(name, String(value))
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

/** `namespace/name`, or the name alone for cluster-scoped objects: how informers and work queues name an object. */
export function objectName(object: Pick<KubeObject, 'metadata'>): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') throw new Error(`not a name: ${JSON.stringify(text)}`)
  return encodeURIComponent(text)
}
