import { Vps, type VpsSpec, type VpsStatus } from '../api/kinds/vps.js'
import { aMeta, type MetaParts } from './a-meta.js'

export interface VpsParts extends MetaParts {
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
export function aVps({ spec, status, ...meta }: VpsParts = {}): Vps {
  return {
    apiVersion: Vps.apiVersion,
    kind: 'Vps',
    metadata: aMeta(meta),
    spec: { ...defaultVpsSpec, ...spec },
    ...(status ? { status } : {}),
  }
}
