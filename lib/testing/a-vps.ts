import { Vps, type VpsSpec, type VpsStatus } from '../api/kinds/vps.js'
import type { ObjectMeta } from '../api/object-meta.js'

export interface VpsParts {
  readonly name?: string
  readonly namespace?: string
  readonly metadata?: Partial<ObjectMeta>
  readonly spec?: Partial<VpsSpec>
  readonly status?: VpsStatus
}

/** What the server writes into the spec of a Vps that names its image alone. */
export const defaultVpsSpec: VpsSpec = {
  backend: 'docker',
  image: 'busybox',
  running: true,
  ssh: { mode: 'disabled' },
  privileged: false,
  terminationGracePeriodSeconds: 30,
  priority: 0,
}

/** A Vps as the server would return it. */
export function aVps({ name = 'a', namespace = 'default', metadata, spec, status }: VpsParts = {}): Vps {
  return {
    apiVersion: Vps.apiVersion,
    kind: 'Vps',
    metadata: {
      name,
      namespace,
      uid: namespace === 'default' ? `uid-${name}` : `uid-${namespace}-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { ...defaultVpsSpec, ...spec },
    ...(status ? { status } : {}),
  }
}
