import { compareVersions } from '../../../lib/api/compare-versions.js'
import type { Kind, Subresource } from '../../../lib/api/define-kind.js'

/** A group's kinds, by version; the preferred version first. */
export interface ApiGroup {
  /** Empty for the core group. */
  readonly name: string
  readonly versions: readonly ApiVersion[]
}

export interface ApiVersion {
  readonly version: string
  readonly kinds: readonly Kind[]
}

/** The kinds as discovery shows them, groups in order of their first kind. */
export function apiGroups(kinds: readonly Kind[]): ApiGroup[] {
  const groups = new Map<string, Map<string, Kind[]>>()
  for (const kind of kinds) {
    const versions = groups.get(kind.group) ?? new Map<string, Kind[]>()
    versions.set(kind.version, [...(versions.get(kind.version) ?? []), kind])
    groups.set(kind.group, versions)
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions].sort(([a], [b]) => compareVersions(a, b)).map(([version, ofVersion]) => ({ version, kinds: ofVersion })),
  }))
}

interface SubresourceShape {
  readonly verbs: readonly string[]
  /** The kind of the body where it is not the object itself. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string }
}

/** What can be done with each subresource. */
export const subresourceShapes: Readonly<Record<Subresource, SubresourceShape>> = {
  status: { verbs: ['get', 'patch', 'update'] },
  approval: { verbs: ['get', 'patch', 'update'] },
  scale: { verbs: ['get', 'patch', 'update'], kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
  finalize: { verbs: ['update'] },
  binding: { verbs: ['create'], kind: { group: '', version: 'v1', kind: 'Binding' } },
  eviction: { verbs: ['create'], kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  log: { verbs: ['get'] },
  content: { verbs: ['get'] },
  stats: { verbs: ['get'], kind: { group: 'millrace.dev', version: 'v1', kind: 'TunnelStats' } },
  exec: { verbs: ['create', 'get'] },
  attach: { verbs: ['create', 'get'] },
  portforward: { verbs: ['create', 'get'] },
  console: { verbs: ['create', 'get'] },
  token: { verbs: ['create'], kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
}
