import { stringify } from 'yaml'

/** A manifest as people write it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

const rbac = 'rbac.authorization.k8s.io/v1'
const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
/** None is asked for: whoever has controllers finds no Tasks of theirs. */
const noReplicas = {
  replicas: 0,
  selector: { matchLabels: { app: 'none' } },
  template: { metadata: { labels: { app: 'none' } }, spec: { containers: [{ name: 'main', image: 'x' }] } },
}
const somebody = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'somebody' }

/** One valid object of every built-in kind that people write: those in a namespace are called `one`, the others like `name`. */
export function oneOfEach(name: string): Manifest[] {
  const one = { name: 'one', labels: { app: 'one', tier: 'front' } }
  return [
    { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: one, spec: { command: ['true'] } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: one, spec: noReplicas },
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { ...one, name: 'alone' }, spec: noReplicas },
    {
      apiVersion: 'millrace.dev/v1',
      kind: 'CronTask',
      metadata: one,
      spec: { schedule: '0 2 * * *', taskTemplate: { spec: { command: ['true'] } } },
    },
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
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: one, spec: { minAvailable: 1 } },
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: one, spec: { holderIdentity: 'somebody' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: one },
    { apiVersion: rbac, kind: 'Role', metadata: one, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] },
    { apiVersion: rbac, kind: 'RoleBinding', metadata: one, roleRef: roleRef('Role', 'one'), subjects: [somebody] },
    { apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
    { apiVersion: rbac, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: roleRef('ClusterRole', name), subjects: [somebody] },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${name}-one` } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name } },
  ]
}

/** As one stream of YAML documents, for `-f -`. */
export const printManifests = (manifests: readonly Manifest[]): string => manifests.map((manifest) => stringify(manifest)).join('---\n')
