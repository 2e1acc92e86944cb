import type { Kind } from '../../../lib/api/define-kind.js'
import { type ApiGroup, type ApiVersion, subresourceShapes } from './api-groups.js'

/** `GET /api`. */
export function apiVersions(groups: readonly ApiGroup[], serverAddress: string): object {
  const core = groups.find((group) => group.name === '')
  return {
    kind: 'APIVersions',
    versions: core?.versions.map(({ version }) => version) ?? [],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `GET /apis`. */
export function apiGroupList(groups: readonly ApiGroup[]): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter((group) => group.name !== '').map(apiGroupOf) }
}

/** `GET /apis/GROUP`. */
export function apiGroup(group: ApiGroup): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroupOf(group) }
}

function apiGroupOf({ name, versions }: ApiGroup) {
  const all = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: all, preferredVersion: all[0] }
}

/** `GET /api/v1`, `GET /apis/GROUP/VERSION`. */
export function apiResourceList(group: ApiGroup, { version, kinds }: ApiVersion): object {
  const groupVersion = group.name === '' ? version : `${group.name}/${version}`
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: kinds.flatMap(resourcesOf) }
}

function resourcesOf(kind: Kind): object[] {
  const namespaced = kind.scope === 'Namespaced'
  const object = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  }
  const parts = kind.subresources.map((subresource) => {
    const shape = subresourceShapes[subresource]
    const of = shape.kind ? { group: shape.kind.group, version: shape.kind.version, kind: shape.kind.kind } : { kind: kind.kind }
    return { name: `${kind.plural}/${subresource}`, singularName: '', namespaced, ...of, verbs: shape.verbs }
  })
  return [object, ...parts]
}
