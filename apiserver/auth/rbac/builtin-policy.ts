import type { ClusterRole, PolicyRule, RoleBinding, Subject } from './policy.js'

const millrace = 'millrace.dev'
const read = ['get', 'list', 'watch']
const write = ['update', 'patch']

/** Programs report what they do as Events, wherever the object is. */
const recordEvents: PolicyRule = { verbs: ['create', 'update', 'patch'], apiGroups: [''], resources: ['events'] }

/** What there is to know about the server without knowing anything of the cluster. */
const publicPaths = ['/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/']

export const builtinRoles: readonly ClusterRole[] = [
  role('cluster-admin', [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]),
  role('system:public-info-viewer', [{ verbs: ['get', 'head'], nonResourceURLs: publicPaths }]),
  role('system:discovery', [
    { verbs: ['get', 'head'], nonResourceURLs: [...publicPaths, '/', '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'] },
    // Every procedure asks about each object that it shows.
    { verbs: ['get', 'post'], nonResourceURLs: ['/trpc', '/trpc/*'] },
  ]),
  role('system:scheduler', [
    { verbs: read, apiGroups: [millrace], resources: ['tasks'] },
    { verbs: ['create'], apiGroups: [millrace], resources: ['tasks/binding'] },
    { verbs: write, apiGroups: [millrace], resources: ['tasks/status'] },
    { verbs: read, apiGroups: [''], resources: ['nodes', 'namespaces'] },
    recordEvents,
  ]),
  // Owners and namespaces reach objects of every kind, users' own included; so do their collectors. It creates next to nothing.
  role('system:controller-manager', [
    { verbs: [...read, ...write, 'delete', 'deletecollection'], apiGroups: ['*'], resources: ['*'] },
    { verbs: read, nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*'] },
    recordEvents,
  ]),
  role('system:leader-election', [
    { verbs: ['create'], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
    { verbs: [...read, ...write], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
  ]),
]

const user = (name: string): Subject => ({ kind: 'User', name })
const group = (name: string): Subject => ({ kind: 'Group', name })

export const builtinBindings: readonly RoleBinding[] = [
  bind('cluster-admin', [group('system:masters')]),
  bind('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  bind('system:discovery', [group('system:authenticated')]),
  bind('system:scheduler', [user('system:scheduler')]),
  bind('system:controller-manager', [user('system:controller-manager')]),
  {
    kind: 'RoleBinding',
    metadata: { name: 'system:leader-election', namespace: 'kube-system' },
    roleRef: { kind: 'ClusterRole', name: 'system:leader-election' },
    subjects: [user('system:scheduler'), user('system:controller-manager')],
  },
]

function role(name: string, rules: readonly PolicyRule[]): ClusterRole {
  return { kind: 'ClusterRole', metadata: { name }, rules }
}

function bind(name: string, subjects: readonly Subject[]): RoleBinding {
  return { kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { kind: 'ClusterRole', name }, subjects }
}
