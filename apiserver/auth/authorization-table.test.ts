import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import { CertificateSigningRequest } from '../../lib/api/kinds/certificate-signing-request.js'
import { ClusterRole } from '../../lib/api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../../lib/api/kinds/cluster-role-binding.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { Event } from '../../lib/api/kinds/event.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import { Role, rbacGroup } from '../../lib/api/kinds/role.js'
import { RoleBinding } from '../../lib/api/kinds/role-binding.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { createAccess } from './access.js'
import type { AccessRequest } from './authorizer.js'
import { aStored, storedPolicy, storeOf } from './fixtures/stored.js'
import type { Subject } from './rbac/policy.js'
import type { UserInfo } from './user.js'

const task = (namespace: string, name: string, spec: object) => aStored(Task, { metadata: { namespace, name }, spec })
const naming = (word: string) => ({
  env: [{ name: 'A', valueFrom: { secretKeyRef: { name: `${word}-env`, key: 'k' } } }],
  envFrom: [{ secretRef: { name: `${word}-env-from` } }, { configMapRef: { name: `${word}-map` } }],
  volumes: [{ name: 'v', secret: { secretName: `${word}-volume` } }],
})

const binding = (namespace: string, role: string, subject: Subject, kind: 'Role' | 'ClusterRole' = 'ClusterRole') =>
  aStored(namespace === '' ? ClusterRoleBinding : RoleBinding, {
    metadata: { name: `${role}-of-${subject.name}`, namespace },
    roleRef: { apiGroup: rbacGroup, kind, name: role },
    subjects: [subject],
  })

const { authorizer } = createAccess(
  storeOf([
    ...storedPolicy,
    task('default', 'mine', { nodeName: 'a', ...naming('mine') }),
    task('default', 'theirs', { nodeName: 'b', ...naming('theirs') }),
    task('default', 'waiting', naming('waiting')),
    task('tenant', 'theirs', { nodeName: 'b', ...naming('mine') }),
    ...[Vps, VpsSnapshot, IPClaim].flatMap((kind) => [
      aStored(kind, { metadata: { namespace: 'default', name: 'mine' }, spec: { nodeName: 'a', restoreFrom: { name: 'theirs' } } }),
      aStored(kind, { metadata: { namespace: 'default', name: 'theirs' }, spec: { nodeName: 'b', restoreFrom: { name: 'mine' } } }),
      aStored(kind, { metadata: { namespace: 'default', name: 'waiting' }, spec: {} }),
      aStored(kind, { metadata: { namespace: 'tenant', name: 'theirs' }, spec: { nodeName: 'b', restoreFrom: { name: 'mine' } } }),
    ]),
    aStored(Event, {
      metadata: { namespace: 'tenant', name: 'theirs' },
      involvedObject: { kind: 'Vps', namespace: 'default', name: 'theirs' },
    }),
    aStored(Event, {
      metadata: { namespace: 'tenant', name: 'mine' },
      involvedObject: { kind: 'Vps', namespace: 'default', name: 'mine' },
    }),
    ...['default', 'tenant'].flatMap((namespace) => [
      aStored(Secret, { metadata: { namespace, name: 'mine-env' } }),
      aStored(ConfigMap, { metadata: { namespace, name: 'mine-map' } }),
    ]),
    aStored(Event, {
      metadata: { namespace: 'default', name: 'mine' },
      involvedObject: { kind: 'Task', namespace: 'default', name: 'mine' },
    }),
    aStored(Event, {
      metadata: { namespace: 'default', name: 'theirs' },
      involvedObject: { kind: 'Task', namespace: 'default', name: 'theirs' },
    }),
    aStored(Event, { metadata: { namespace: 'default', name: 'a' }, involvedObject: { kind: 'Node', name: 'a' } }),
    aStored(Event, { metadata: { namespace: 'default', name: 'b' }, involvedObject: { kind: 'Node', name: 'b' } }),
    binding('default', 'view', { kind: 'User', apiGroup: rbacGroup, name: 'viewer' }),
    binding('', 'edit', { kind: 'Group', apiGroup: rbacGroup, name: 'editors' }),
    binding('tenant', 'admin', { kind: 'User', apiGroup: rbacGroup, name: 'landlord' }),
    binding('', 'no-such-role', { kind: 'User', apiGroup: rbacGroup, name: 'ann' }),
    aStored(Role, {
      metadata: { namespace: 'default', name: 'robot' },
      rules: [
        { verbs: ['get', 'create', 'delete'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine-env', 'theirs-env'] },
        { verbs: ['update'], apiGroups: ['*'], resources: ['*/status'] },
        { verbs: ['*'], apiGroups: ['example.com'], resources: ['tasks'] },
      ],
    }),
    binding('default', 'robot', { kind: 'ServiceAccount', namespace: 'tenant', name: 'robot' }, 'Role'),
    aStored(ClusterRole, {
      metadata: { name: 'node-a' },
      rules: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['nodes'], resourceNames: ['a'] }],
    }),
    binding('', 'node-a', { kind: 'ServiceAccount', namespace: 'tenant', name: 'robot' }),
    aStored(CertificateSigningRequest, { metadata: { name: 'csr-of-a' }, spec: { username: 'system:node:a' } }),
    aStored(CertificateSigningRequest, { metadata: { name: 'csr-of-b' }, spec: { username: 'system:node:b' } }),
    aStored(CertificateSigningRequest, { metadata: { name: 'csr-of-join' }, spec: { username: 'system:bootstrap:abc123' } }),
  ]),
)

const authenticated = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
const users = {
  admin: authenticated('admin', 'system:masters'),
  scheduler: authenticated('system:scheduler'),
  'controller-manager': authenticated('system:controller-manager'),
  gateway: authenticated('system:gateway'),
  'node a': authenticated('system:node:a', 'system:nodes'),
  joining: authenticated('system:bootstrap:abc123', 'system:bootstrappers'),
  nobody: authenticated('ann'),
  viewer: authenticated('viewer'),
  editor: authenticated('bob', 'editors'),
  landlord: authenticated('landlord'),
  robot: authenticated('system:serviceaccount:tenant:robot', 'system:serviceaccounts', 'system:serviceaccounts:tenant'),
  'a robot of the same name elsewhere': authenticated('system:serviceaccount:default:robot', 'system:serviceaccounts'),
  anonymous: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
  'a node by name alone': authenticated('system:node:a'),
  'a node without a name': authenticated('system:node:', 'system:nodes'),
  'a user among nodes': authenticated('admin', 'system:nodes'),
  'a joining machine by name alone': authenticated('system:bootstrap:abc123'),
} satisfies Record<string, UserInfo>

const verbs = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'bind',
  'escalate',
  'impersonate',
  'approve',
  '*',
  '',
]
const scopes = ['', 'default', 'tenant', 'kube-system', 'kube-node-lease', 'millrace-streams']
const selectors: Record<string, string>[] = [
  {},
  { 'spec.nodeName': 'a' },
  { 'spec.nodeName': 'b' },
  { 'spec.nodeName': '' },
  { 'metadata.name': 'a' },
]
const objectNames = [
  ...['', 'a', 'b', 'millrace-gateway-host-key', 'mine', 'theirs', 'waiting', 'csr-of-a', 'csr-of-b', 'csr-of-join', 'default', 'tenant'],
  ...['mine', 'theirs', 'waiting'].flatMap((word) => [`${word}-env`, `${word}-env-from`, `${word}-volume`, `${word}-map`]),
]
/** Beside what a kind serves: what a rule may give of every kind, and what no kind has. */
const ofAll = ['status', 'finalize']
const others = [
  { group: '', resource: 'endpoints', subresources: ['', 'log', 'exec'] },
  { group: 'millrace.dev', resource: 'nodestreams', subresources: ['', 'status'] },
  { group: 'example.com', resource: 'secrets', subresources: [''] },
  { group: 'example.com', resource: 'tasks', subresources: ['', 'status', 'binding'] },
]
const resources = [
  ...builtinKinds.map((kind) => ({
    group: kind.group,
    resource: kind.plural,
    subresources: kind.group === rbacGroup || kind.verbs.length === 1 ? [''] : [...new Set(['', ...kind.subresources, ...ofAll])],
  })),
  ...others,
]

type Cell = Omit<AccessRequest, 'user'>

/** Every request of the table, as `verb group/resource/subresource in NAMESPACE named NAME where SELECTOR`. */
function* walk(): Generator<{ text: string; cell: Cell }> {
  for (const { group, resource, subresources } of resources)
    for (const subresource of subresources)
      for (const verb of verbs)
        for (const namespace of scopes)
          for (const name of objectNames)
            for (const fieldEquals of name === '' && (verb === 'list' || verb === 'watch') ? selectors : [{}]) {
              const cell = { verb, group, resource, subresource, namespace, name, path: '', fieldEquals }
              yield { text: printCell(cell), cell }
            }
}

function printCell({ verb, group, resource, subresource, namespace, name, fieldEquals }: Cell): string {
  const selector = Object.entries(fieldEquals ?? {}).map(([path, value]) => ` where ${path}=${value}`)
  return `${verb} ${group}/${resource}${subresource && `/${subresource}`} in ${namespace || '*'} named ${name || '*'}${selector.join('')}`
}

const cells = [...walk()]

/** The expectation, written by hand: every cell that is allowed. `|` separates alternatives; `NAMES` and `SCOPES` are all of them. */
const anyName = objectNames.map((name) => name || '*').join('|')
const anyScope = scopes.map((scope) => scope || '*').join('|')
const everySelector = selectors.map((selector) =>
  Object.entries(selector)
    .map(([path, value]) => ` where ${path}=${value}`)
    .join(''),
)

function expand(line: string): string[] {
  const filled = line.replaceAll('NAMES', anyName).replaceAll('SCOPES', anyScope)
  return filled
    .split(' ')
    .reduce<string[]>(
      (texts, word) => texts.flatMap((text) => word.split('|').map((choice) => (text ? `${text} ${choice}` : choice))),
      [''],
    )
}
/** A role's rule does not look at selectors. */
const withSelectors = (text: string) =>
  /^(list|watch) .* named \*$/.test(text) ? everySelector.map((selector) => text + selector) : [text]
const byRole = (...lines: string[]) => lines.flatMap(expand).flatMap(withSelectors)

const recordsEvents = 'create|update|patch /events in SCOPES named NAMES'
const electsLeaders = 'create|get|list|watch|update|patch coordination.k8s.io/leases in kube-system named NAMES'

const asksAboutOneself = byRole(
  'create authorization.k8s.io/selfsubjectaccessreviews|authorization.k8s.io/selfsubjectrulesreviews in SCOPES named NAMES',
  'create authentication.k8s.io/selfsubjectreviews in SCOPES named NAMES',
)
const anyChange = 'create|update|patch|delete|deletecollection'
const views = (where: string) => [
  `get|list|watch /configmaps|/events|/namespaces|/namespaces/status|/serviceaccounts|/services|/pods|/pods/log in ${where} named NAMES`,
  `get|list|watch millrace.dev/tasks|millrace.dev/tasks/status|millrace.dev/tasks/log|millrace.dev/vpses/log in ${where} named NAMES`,
  ...['crontasks', 'vpses', 'vpssnapshots', 'tunnels', 'ipclaims'].map(
    (name) => `get|list|watch millrace.dev/${name}|millrace.dev/${name}/status in ${where} named NAMES`,
  ),
  ...['deployments', 'replicasets'].map(
    (name) => `get|list|watch apps/${name}|apps/${name}/status|apps/${name}/scale in ${where} named NAMES`,
  ),
  `get|list|watch policy/poddisruptionbudgets|policy/poddisruptionbudgets/status in ${where} named NAMES`,
  `get millrace.dev/tunnels/stats in ${where} named NAMES`,
  `get|list metrics.k8s.io/pods in ${where} named NAMES`,
]
const machines = 'millrace.dev/vpses|millrace.dev/vpssnapshots|millrace.dev/tunnels|millrace.dev/ipclaims'
const edits = (where: string) => [
  ...views(where),
  `${anyChange}|get|list|watch /secrets|coordination.k8s.io/leases in ${where} named NAMES`,
  `${anyChange} /configmaps|millrace.dev/tasks|millrace.dev/crontasks|${machines}|apps/deployments|apps/replicasets|policy/poddisruptionbudgets in ${where} named NAMES`,
  `update|patch apps/deployments/scale|apps/replicasets/scale in ${where} named NAMES`,
  ...['tasks', 'vpses'].map(
    (name) => `get|create millrace.dev/${name}/exec|millrace.dev/${name}/attach|millrace.dev/${name}/portforward in ${where} named NAMES`,
  ),
  `get|create millrace.dev/vpses/console in ${where} named NAMES`,
  `${anyChange}|impersonate /serviceaccounts in ${where} named NAMES`,
  `create /serviceaccounts/token in ${where} named NAMES`,
  `get|create /pods/exec|/pods/attach|/pods/portforward in ${where} named NAMES`,
  `delete|deletecollection /pods in ${where} named NAMES`,
  `get millrace.dev/vpssnapshots/content in ${where} named NAMES`,
  `create /pods/eviction|millrace.dev/tasks/eviction|millrace.dev/vpses/eviction in ${where} named NAMES`,
]

const table: Partial<Record<keyof typeof users, string[]>> = {
  scheduler: byRole(
    'get|list|watch millrace.dev/tasks|millrace.dev/vpses|millrace.dev/ipclaims in SCOPES named NAMES',
    'create millrace.dev/tasks/binding|millrace.dev/vpses/binding in SCOPES named NAMES',
    'update|patch millrace.dev/tasks/status|millrace.dev/vpses/status in SCOPES named NAMES',
    'get|list|watch /nodes|/namespaces in SCOPES named NAMES',
    recordsEvents,
    electsLeaders,
  ),
  'controller-manager': byRole(
    ...resources.flatMap(({ group, resource, subresources }) =>
      subresources.map(
        (subresource) =>
          `get|list|watch|update|patch|delete|deletecollection ${group}/${resource}${subresource && `/${subresource}`} in SCOPES named NAMES`,
      ),
    ),
    recordsEvents,
    'create coordination.k8s.io/leases in kube-system named NAMES',
    'create /serviceaccounts|/secrets|millrace.dev/tasks|millrace.dev/vpssnapshots|apps/replicasets in SCOPES named NAMES',
    'create millrace.dev/tasks/eviction|millrace.dev/vpses/eviction in SCOPES named NAMES',
  ),
  gateway: byRole(
    'get|list|watch millrace.dev/tasks|millrace.dev/vpses|millrace.dev/tunnels in SCOPES named NAMES',
    'update|patch millrace.dev/vpses/status|millrace.dev/tunnels/status in SCOPES named NAMES',
    'get|list|watch /nodes in SCOPES named NAMES',
    recordsEvents,
    'create|get|list|watch|update|patch|delete coordination.k8s.io/leases in millrace-streams named NAMES',
    'get|update /secrets in kube-system named millrace-gateway-host-key',
  ),
  'node a': [
    ...expand('list|watch millrace.dev/tasks in SCOPES named *').map((text) => `${text} where spec.nodeName=a`),
    ...expand('get|update|patch millrace.dev/tasks|millrace.dev/tasks/status in default named mine'),
    ...['vpses', 'vpssnapshots', 'ipclaims'].flatMap((name) =>
      expand(`list|watch millrace.dev/${name} in SCOPES named *`).map((text) => `${text} where spec.nodeName=a`),
    ),
    ...expand('get|update|patch millrace.dev/vpses|millrace.dev/vpses/status in default named mine'),
    ...expand('get|update|patch millrace.dev/vpssnapshots|millrace.dev/vpssnapshots/status in default named mine'),
    ...expand('get millrace.dev/vpssnapshots|millrace.dev/vpssnapshots/content in default named theirs'),
    ...expand('create millrace.dev/ipclaims in SCOPES named NAMES'),
    ...expand('get|update|patch|delete millrace.dev/ipclaims in default named mine'),
    ...expand('get|list|watch coordination.k8s.io/leases in millrace-streams named NAMES').flatMap(withSelectors),
    ...expand('get /secrets in default named mine-env|mine-env-from|mine-volume'),
    ...expand('get /configmaps in default named mine-map'),
    ...expand('get /namespaces in SCOPES named default'),
    ...expand('create /nodes in SCOPES named NAMES'),
    ...expand('get|update|patch /nodes|/nodes/status in SCOPES named a'),
    ...expand('list|watch /nodes in SCOPES named a'),
    ...expand('list|watch /nodes in SCOPES named *').map((text) => `${text} where metadata.name=a`),
    ...expand('create coordination.k8s.io/leases in kube-node-lease named NAMES'),
    ...expand('get|list|watch|update|patch coordination.k8s.io/leases in kube-node-lease named a'),
    ...expand('list|watch coordination.k8s.io/leases in kube-node-lease named *').map((text) => `${text} where metadata.name=a`),
    ...expand('create /events in SCOPES named NAMES'),
    ...expand('update|patch /events in SCOPES named NAMES').filter(
      (text) => !/in (default named (b|theirs)|tenant named theirs)$/.test(text),
    ),
    ...expand('create certificates.k8s.io/certificatesigningrequests in SCOPES named NAMES'),
    ...expand('get certificates.k8s.io/certificatesigningrequests in SCOPES named csr-of-a'),
    ...expand('get millrace.dev/nodestreams in SCOPES named a'),
  ],
  viewer: byRole(...views('default')),
  editor: byRole(...edits('SCOPES')),
  landlord: byRole(
    ...edits('tenant'),
    `${anyChange}|get|list|watch ${rbacGroup}/roles|${rbacGroup}/rolebindings in tenant named NAMES`,
    'create authorization.k8s.io/localsubjectaccessreviews in tenant named NAMES',
  ),
  robot: [
    ...expand('get|create|delete /secrets in default named mine-env|theirs-env'),
    ...byRole(
      ...resources
        .filter(({ subresources }) => subresources.includes('status'))
        .map(({ group, resource }) => `update ${group}/${resource}/status in default named NAMES`),
    ),
    ...byRole(`${verbs.map((verb) => verb || '!').join('|')} example.com/tasks in default named NAMES`).map((text) =>
      text.replace('!', ''),
    ),
    ...expand('get|list|watch /nodes in SCOPES named a'),
    ...expand('list|watch /nodes in SCOPES named *').map((text) => `${text} where metadata.name=a`),
  ],
  joining: [
    ...expand('create certificates.k8s.io/certificatesigningrequests in SCOPES named NAMES'),
    ...expand('get certificates.k8s.io/certificatesigningrequests in SCOPES named csr-of-join'),
  ],
}

describe('what each identity may do, over every verb, resource, namespace and name', () => {
  it.each(Object.keys(users) as (keyof typeof users)[])('%s', (who) => {
    const user = users[who]
    const expected = new Set([...(table[who] ?? []), ...(who === 'anonymous' ? [] : asksAboutOneself)])
    const wrong = cells.filter(
      ({ text, cell }) => authorizer.authorize({ ...cell, user }).allowed !== (expected.delete(text) || who === 'admin'),
    )
    expect(cells.length).toBeGreaterThan(50_000)
    expect(wrong.slice(0, 20).map(({ text }) => text)).toEqual([])
    expect([...expected].slice(0, 20), 'expectations that name no cell of the table').toEqual([])
  })
})

describe('paths that are no resources', () => {
  const paths = [
    '/',
    '/api',
    '/api/v1',
    '/apis',
    '/apis/millrace.dev/v1',
    '/openapi/v3',
    '/healthz',
    '/readyz/store',
    '/version',
    '/metrics',
    '/openid/v1/jwks',
    '/trpc/why',
    '/logs',
    '',
  ]
  const about = ['/healthz', '/readyz/store', '/version']
  const discovery = ['/', '/api', '/api/v1', '/apis', '/apis/millrace.dev/v1', '/openapi/v3', ...about]
  const expected: Record<keyof typeof users, { get: string[]; post: string[] }> = {
    admin: { get: paths, post: paths },
    anonymous: { get: about, post: [] },
    ...(Object.fromEntries(
      Object.keys(users)
        .filter((who) => who !== 'admin' && who !== 'anonymous')
        .map((who) => [
          who,
          { get: [...discovery, '/trpc/why', ...(who.includes('robot') ? ['/openid/v1/jwks'] : [])], post: ['/trpc/why'] },
        ]),
    ) as Record<Exclude<keyof typeof users, 'admin' | 'anonymous'>, { get: string[]; post: string[] }>),
  }
  it.each(Object.keys(users) as (keyof typeof users)[])('%s', (who) => {
    const allowed = (verb: string) =>
      paths.filter(
        (path) =>
          authorizer.authorize({ user: users[who], verb, group: '', resource: '', subresource: '', namespace: '', name: '', path }).allowed,
      )
    expect(new Set(allowed('get'))).toEqual(new Set(expected[who].get))
    expect(new Set(allowed('post'))).toEqual(new Set(expected[who].post))
    expect(allowed('delete')).toEqual(who === 'admin' ? paths : [])
  })
})

it.each([
  [
    'get /secrets in default named theirs-env',
    'User "system:node:a" cannot get resource "secrets" in API group "" in the namespace "default": no Task bound to this node names it',
  ],
  ['get /pods/log in default named mine', 'User "system:node:a" cannot get resource "pods/log" in API group "" in the namespace "default"'],
  ['list /namespaces in * named *', 'User "system:node:a" cannot list resource "namespaces" in API group "" at the cluster scope'],
])('%s is refused in words: %s', (text, reason) => {
  const { cell } = cells.find((entry) => entry.text === text) ?? assert.fail(text)
  expect(authorizer.authorize({ ...cell, user: users['node a'] }).reason).toBe(reason)
})

it('a path is refused in words', () => {
  const request = { user: users.nobody, verb: 'get', group: '', resource: '', subresource: '', namespace: '', name: '', path: '/metrics' }
  expect(authorizer.authorize(request).reason).toBe('User "ann" cannot get path "/metrics"')
})
