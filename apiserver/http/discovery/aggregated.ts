import type { Kind } from '../../../lib/api/define-kind.js'
import { type ApiGroup, subresourceShapes } from './api-groups.js'

/** The content type by which clients tell aggregated discovery from the classic one. */
export const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Whether the client takes aggregated discovery, in the version that is served. */
export function wantsAggregated(accept: string | undefined): boolean {
  const wanted = aggregatedType.split(';').slice(1)
  return (accept ?? '').split(',').some((candidate) => {
    const parameters = candidate.split(';').map((part) => part.trim())
    return wanted.every((parameter) => parameters.includes(parameter))
  })
}

/** All groups, versions and resources in one answer. The core group has no name. */
export function aggregatedDiscovery(groups: readonly ApiGroup[]): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: { ...(group.name === '' ? {} : { name: group.name }), creationTimestamp: null },
      versions: group.versions.map(({ version, kinds }) => ({ version, resources: kinds.map(discoverKind), freshness: 'Current' })),
    })),
  }
}

function discoverKind(kind: Kind): object {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind }
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.scope === 'Namespaced' ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((subresource) => ({
            subresource,
            responseKind: subresourceShapes[subresource].kind ?? responseKind,
            verbs: subresourceShapes[subresource].verbs,
          })),
        }
      : {}),
  }
}
