/**
 * The roles and bindings that every cluster has, as they are stored when a server starts. Names of Kubernetes where it has them: `admin`,
 * `edit` and `view` are gathered from the roles with the labels that people know, so that other roles can join them.
 */
import { gatewayHostKey } from '../../../lib/api/gateway-host-key.js'
import { authorizationGroup } from '../../../lib/api/kinds/access-review.js'
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../../../lib/api/kinds/cluster-role-binding.js'
import { streamNamespace } from '../../../lib/api/kinds/lease.js'
import { NodeMetrics } from '../../../lib/api/kinds/node-metrics.js'
import { rbacGroup } from '../../../lib/api/kinds/role.js'
import { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import { printKey } from '../../../lib/api/object-key.js'
import { serviceAccountsGroup } from '../user.js'
import type { PolicyBinding, PolicyRole, PolicyRule, RoleRef, Subject } from './policy.js'

/** Every built-in role and binding has it, and people may select by it. */
export const builtinLabel = { 'kubernetes.io/bootstrapping': 'rbac-defaults' } as const

const millrace = 'millrace.dev'
const apps = 'apps'
const metrics = NodeMetrics.group
const authenticationGroup = 'authentication.k8s.io'
const read = ['get', 'list', 'watch']
const measure = ['get', 'list']
const write = ['update', 'patch']
const change = ['create', ...write, 'delete', 'deletecollection']

/** Programs report what they do as Events, wherever the object is. */
const recordEvents: PolicyRule = { verbs: ['create', ...write], apiGroups: [''], resources: ['events'] }

/** What there is to know about the server without knowing anything of the cluster. */
const publicPaths = ['/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/']

const aggregationLabel = (role: string) => `${rbacGroup}/aggregate-to-${role}`

export const builtinRoles: readonly PolicyRole[] = [
  role('cluster-admin', [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]),
  gathered('admin'),
  gathered('edit', 'admin'),
  gathered('view', 'edit'),
  role(
    'system:aggregate-to-admin',
    [
      { verbs: [...read, ...change], apiGroups: [rbacGroup], resources: ['roles', 'rolebindings'] },
      { verbs: ['create'], apiGroups: [authorizationGroup], resources: ['localsubjectaccessreviews'] },
    ],
    'admin',
  ),
  role(
    'system:aggregate-to-edit',
    [
      { verbs: [...read, ...change], apiGroups: [''], resources: ['secrets'] },
      { verbs: change, apiGroups: [''], resources: ['configmaps'] },
      { verbs: change, apiGroups: [millrace], resources: ['tasks', 'crontasks', 'vpses', 'vpssnapshots', 'tunnels', 'ipclaims'] },
      { verbs: change, apiGroups: [apps], resources: ['deployments', 'replicasets'] },
      { verbs: write, apiGroups: [apps], resources: ['deployments/scale', 'replicasets/scale'] },
      { verbs: ['get'], apiGroups: [millrace], resources: ['vpssnapshots/content'] },
      {
        verbs: ['get', 'create'],
        apiGroups: [millrace],
        resources: [
          ...['tasks', 'vpses'].flatMap((name) => ['exec', 'attach', 'portforward'].map((session) => `${name}/${session}`)),
          'vpses/console',
        ],
      },
      { verbs: ['create'], apiGroups: [millrace], resources: ['tasks/eviction', 'vpses/eviction'] },
      // A Pod is a view of a Task or a Vps: whoever may delete the one may delete, or stop, the other.
      { verbs: ['delete', 'deletecollection'], apiGroups: [''], resources: ['pods'] },
      { verbs: ['get', 'create'], apiGroups: [''], resources: ['pods/exec', 'pods/attach', 'pods/portforward'] },
      { verbs: ['create'], apiGroups: [''], resources: ['pods/eviction'] },
      { verbs: change, apiGroups: ['policy'], resources: ['poddisruptionbudgets'] },
      { verbs: [...read, ...change], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
      { verbs: [...change, 'impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
      { verbs: ['create'], apiGroups: [''], resources: ['serviceaccounts/token'] },
    ],
    'edit',
  ),
  role(
    'system:aggregate-to-view',
    [
      {
        verbs: read,
        apiGroups: [''],
        resources: ['configmaps', 'events', 'namespaces', 'namespaces/status', 'serviceaccounts', 'services', 'pods', 'pods/log'],
      },
      { verbs: read, apiGroups: [millrace], resources: ['tasks', 'tasks/status', 'tasks/log'] },
      {
        verbs: read,
        apiGroups: [millrace],
        resources: [
          ...['crontasks', 'vpses', 'vpssnapshots', 'tunnels', 'ipclaims'].flatMap((name) => [name, `${name}/status`]),
          'vpses/log',
        ],
      },
      { verbs: ['get'], apiGroups: [millrace], resources: ['tunnels/stats'] },
      {
        verbs: read,
        apiGroups: [apps],
        resources: ['deployments', 'replicasets'].flatMap((name) => [name, `${name}/status`, `${name}/scale`]),
      },
      { verbs: read, apiGroups: ['policy'], resources: ['poddisruptionbudgets', 'poddisruptionbudgets/status'] },
      { verbs: measure, apiGroups: [metrics], resources: ['pods'] },
    ],
    'view',
  ),
  // For those who look at the whole cluster: nodes belong to no namespace, so no role of a namespace shows them.
  role('system:metrics-reader', [
    { verbs: measure, apiGroups: [metrics], resources: ['nodes', 'pods'] },
    { verbs: read, apiGroups: [''], resources: ['nodes'] },
  ]),
  role('system:public-info-viewer', [{ verbs: ['get', 'head'], nonResourceURLs: publicPaths }]),
  role('system:discovery', [
    { verbs: ['get', 'head'], nonResourceURLs: [...publicPaths, '/', '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'] },
    // Every procedure asks about each object that it shows.
    { verbs: ['get', 'post'], nonResourceURLs: ['/trpc', '/trpc/*'] },
  ]),
  role('system:basic-user', [
    { verbs: ['create'], apiGroups: [authorizationGroup], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'] },
    { verbs: ['create'], apiGroups: [authenticationGroup], resources: ['selfsubjectreviews'] },
  ]),
  role('system:auth-delegator', [
    { verbs: ['create'], apiGroups: [authenticationGroup], resources: ['tokenreviews'] },
    { verbs: ['create'], apiGroups: [authorizationGroup], resources: ['subjectaccessreviews'] },
  ]),
  role('system:service-account-issuer-discovery', [
    { verbs: ['get'], nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'] },
  ]),
  role('system:scheduler', [
    { verbs: read, apiGroups: [millrace], resources: ['tasks', 'vpses', 'ipclaims'] },
    { verbs: ['create'], apiGroups: [millrace], resources: ['tasks/binding', 'vpses/binding'] },
    { verbs: write, apiGroups: [millrace], resources: ['tasks/status', 'vpses/status'] },
    { verbs: read, apiGroups: [''], resources: ['nodes', 'namespaces'] },
    recordEvents,
  ]),
  // Owners and namespaces reach objects of every kind, users' own included; so do their collectors. It creates what its controllers keep.
  role('system:controller-manager', [
    { verbs: [...read, ...write, 'delete', 'deletecollection'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['create'], apiGroups: [''], resources: ['serviceaccounts', 'secrets'] },
    { verbs: ['create'], apiGroups: [millrace], resources: ['tasks', 'vpssnapshots'] },
    { verbs: ['create'], apiGroups: [apps], resources: ['replicasets'] },
    { verbs: ['create'], apiGroups: [millrace], resources: ['tasks/eviction', 'vpses/eviction'] },
    { verbs: read, nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*'] },
    recordEvents,
  ]),
  role('system:gateway', [
    { verbs: read, apiGroups: [millrace], resources: ['tasks', 'vpses', 'tunnels'] },
    { verbs: write, apiGroups: [millrace], resources: ['vpses/status', 'tunnels/status'] },
    { verbs: read, apiGroups: [''], resources: ['nodes'] },
    // Its own connection, over which it is asked what it has counted.
    { verbs: ['get'], apiGroups: [millrace], resources: ['gatewaystreams'] },
    recordEvents,
  ]),
  role('system:stream-server', [
    { verbs: [...read, 'create', ...write, 'delete'], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
  ]),
  // A name cannot bound what is made: the server makes it.
  role('system:gateway-host-key', [
    { verbs: ['get', 'update'], apiGroups: [''], resources: ['secrets'], resourceNames: [gatewayHostKey.name] },
  ]),
  role('system:leader-election', [
    { verbs: ['create'], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
    { verbs: [...read, ...write], apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
  ]),
]

const user = (name: string): Subject => ({ kind: 'User', apiGroup: rbacGroup, name })
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: rbacGroup, name })

export const builtinBindings: readonly PolicyBinding[] = [
  bind('cluster-admin', [group('system:masters')]),
  bind('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  bind('system:discovery', [group('system:authenticated')]),
  bind('system:basic-user', [group('system:authenticated')]),
  bind('system:service-account-issuer-discovery', [group(serviceAccountsGroup)]),
  bind('system:scheduler', [user('system:scheduler')]),
  bind('system:controller-manager', [user('system:controller-manager')]),
  {
    kind: 'RoleBinding',
    metadata: { name: 'system:leader-election', namespace: 'kube-system', labels: builtinLabel },
    roleRef: clusterRole('system:leader-election'),
    subjects: [user('system:scheduler'), user('system:controller-manager')],
  },
  bind('system:gateway', [user('system:gateway')]),
  {
    kind: 'RoleBinding',
    metadata: { name: 'system:stream-server', namespace: streamNamespace, labels: builtinLabel },
    roleRef: clusterRole('system:stream-server'),
    subjects: [user('system:gateway')],
  },
  {
    kind: 'RoleBinding',
    metadata: { name: 'system:gateway-host-key', namespace: gatewayHostKey.namespace, labels: builtinLabel },
    roleRef: clusterRole('system:gateway-host-key'),
    subjects: [user('system:gateway')],
  },
]

const builtinKeys = new Set(
  [...builtinRoles, ...builtinBindings].map(({ kind, metadata }) => {
    const { plural } = kind === 'ClusterRole' ? ClusterRole : kind === 'RoleBinding' ? RoleBinding : ClusterRoleBinding
    return printKey({ group: rbacGroup, resource: plural, namespace: metadata.namespace ?? '', name: metadata.name })
  }),
)

/** Whether a role or binding is one of these. */
export function isBuiltinPolicy(resource: string, namespace: string, name: string): boolean {
  return builtinKeys.has(printKey({ group: rbacGroup, resource, namespace, name }))
}

/** `into`: the gathered role that gets these rules. */
function role(name: string, rules: readonly PolicyRule[], into?: string): PolicyRole {
  return { kind: 'ClusterRole', metadata: { name, labels: labelsFor(into) }, rules }
}

/** A role whose rules are those of all roles with its label. */
function gathered(name: string, into?: string): PolicyRole {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel(name)]: 'true' } }] }
  return { kind: 'ClusterRole', metadata: { name, labels: labelsFor(into) }, rules: [], aggregationRule }
}

function labelsFor(into: string | undefined): Record<string, string> {
  return { ...builtinLabel, ...(into === undefined ? {} : { [aggregationLabel(into)]: 'true' }) }
}

function bind(name: string, subjects: readonly Subject[]): PolicyBinding {
  return { kind: 'ClusterRoleBinding', metadata: { name, labels: builtinLabel }, roleRef: clusterRole(name), subjects }
}

function clusterRole(name: string): RoleRef {
  return { apiGroup: rbacGroup, kind: 'ClusterRole', name }
}
