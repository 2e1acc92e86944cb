import type { AccessRequest } from './authorizer.js'

/** Why a request is refused, in the words that Kubernetes' clients know, with what was missing where there is more to say. */
export function refusalSentence(request: AccessRequest, why: string): string {
  return `User ${JSON.stringify(request.user.name)} cannot ${describeRequest(request)}${why === '' ? '' : `: ${why}`}`
}

function describeRequest({ verb, group, resource, subresource, namespace, path }: AccessRequest): string {
  if (resource === '') return `${verb} path ${JSON.stringify(path)}`
  const what = subresource === '' ? resource : `${resource}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return `${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`
}
