import { stringify } from 'yaml'

/** A manifest as people write it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** One valid object of every built-in kind that people write: those in a namespace are called `one`, the others like `name`. */
export function oneOfEach(name: string): Manifest[] {
  const one = { name: 'one', labels: { app: 'one', tier: 'front' } }
  return [
    { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: one, spec: { command: ['true'] } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: one, data: { a: '1' }, binaryData: { b: 'AAE=' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: one, data: { password: 'eA==' } },
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: one,
      involvedObject: { apiVersion: 'millrace.dev/v1', kind: 'Task', namespace: name, name: 'one' },
      type: 'Normal',
      reason: 'Started',
      message: 'it began',
    },
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: one, spec: { holderIdentity: 'somebody' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${name}-one` } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name } },
  ]
}

/** As one stream of YAML documents, for `-f -`. */
export const printManifests = (manifests: readonly Manifest[]): string => manifests.map((manifest) => stringify(manifest)).join('---\n')
