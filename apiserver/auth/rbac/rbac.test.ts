/** Roles and bindings as people write them, over HTTP: what they allow, from the next request on, and who may give which rights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { send, tasks, tasksOf } from '../../http/fixtures/requests.js'
import { WatchClient } from '../../http/fixtures/watch-client.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

const base = '/apis/rbac.authorization.k8s.io/v1'
const clusterRoles = `${base}/clusterroles`
const clusterBindings = `${base}/clusterrolebindings`
const rolesIn = (namespace: string) => `${base}/namespaces/${namespace}/roles`
const bindingsIn = (namespace: string) => `${base}/namespaces/${namespace}/rolebindings`

const rule = (verbs: string, resources: string, apiGroups = 'millrace.dev', more: object = {}) => ({
  verbs: verbs.split(','),
  apiGroups: apiGroups.split(','),
  resources: resources.split(','),
  ...more,
})
const aRole = (name: string, ...rules: object[]) => ({ metadata: { name }, rules })
const aBinding = (name: string, role: string, user: string, kind = 'ClusterRole') => ({
  metadata: { name },
  roleRef: { kind, name: role },
  subjects: [{ kind: 'User', name: user }],
})
const post = (path: string, body: object, user?: string) => send(cluster, 'POST', path, { body, ...(user ? { user } : {}) })
const made = async (path: string, body: object) => expect(await post(path, body)).toMatchObject({ code: 201 })
const codeOf = async (method: string, path: string, user: string) => (await send(cluster, method, path, { user })).code

describe('what is built in', () => {
  it('is listed like any other role, and the gathered roles show what they hold', async () => {
    const { json } = await send(cluster, 'GET', `${clusterRoles}?labelSelector=kubernetes.io/bootstrapping=rbac-defaults`)
    expect(json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(
      expect.arrayContaining(['admin', 'cluster-admin', 'edit', 'system:discovery', 'view']),
    )
    await eventually(async () => {
      const { rules } = (await send(cluster, 'GET', `${clusterRoles}/admin`)).json
      expect(rules).toContainEqual(rule('get,list,watch', 'tasks,tasks/status,tasks/log'))
      expect(rules).toContainEqual(expect.objectContaining({ resources: ['roles', 'rolebindings'] }))
    })
  })

  it.each([
    ['PATCH', `${clusterRoles}/view`, { metadata: { labels: { a: 'b' } } }],
    ['PATCH', `${clusterBindings}/cluster-admin`, { subjects: null }],
    ['DELETE', `${clusterRoles}/system:discovery`, undefined],
    ['DELETE', `${bindingsIn('kube-system')}/system:leader-election`, undefined],
  ])('%s %s is refused, even to an administrator', async (method, path, body) => {
    const answer = await send(cluster, method, path, body ? { body } : {})
    expect([answer.code, answer.json.message]).toEqual([403, expect.stringContaining('built in')])
  })
})

describe('a role', () => {
  it('counts from the next request on, in its namespace alone, until its binding goes; an open watch ends within a minute', async () => {
    expect(await codeOf('GET', tasks, 'reader')).toBe(403)
    await made(rolesIn('default'), aRole('reader', rule('get,list,watch', 'tasks')))
    await made(bindingsIn('default'), aBinding('reader', 'reader', 'reader', 'Role'))
    expect(await codeOf('GET', tasks, 'reader')).toBe(200)
    expect(await codeOf('GET', tasksOf('kube-system'), 'reader')).toBe(403)
    expect(await codeOf('GET', '/apis/millrace.dev/v1/tasks', 'reader')).toBe(403)
    const watch = await WatchClient.open(cluster.url, `${tasks}?watch=1`, { Authorization: 'Bearer reader' })
    await send(cluster, 'DELETE', `${bindingsIn('default')}/reader`)
    expect(await codeOf('GET', tasks, 'reader')).toBe(403)
    await eventually(async () => {
      await cluster.clock.advance(60_000)
      expect(watch.events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 403 } })
    })
    await watch.ended()
  })

  it('that changes changes what its bindings give, at once', async () => {
    await made(clusterRoles, aRole('changing', rule('get', 'tasks')))
    await made(clusterBindings, aBinding('changing', 'changing', 'changing'))
    expect(await codeOf('GET', tasks, 'changing')).toBe(403)
    await send(cluster, 'PATCH', `${clusterRoles}/changing`, { body: { rules: [rule('list', '*', '*')] } })
    expect(await codeOf('GET', tasks, 'changing')).toBe(200)
  })

  it('gives paths, and groups that do not exist yet', async () => {
    await made(clusterRoles, aRole('metrics', { verbs: ['get'], nonResourceURLs: ['/metrics'] }, rule('*', '*', 'not.yet.example')))
    expect(await codeOf('GET', '/metrics', 'scraper')).toBe(403)
    await made(clusterBindings, { ...aBinding('metrics', 'metrics', 'scraper'), subjects: [{ kind: 'Group', name: 'scrapers' }] })
    expect(await codeOf('GET', '/metrics', 'scraper,scrapers')).toBe(200)
  })

  it('with a label joins the role that is gathered by it, at once, and shows there', async () => {
    await made(clusterRoles, {
      metadata: { name: 'team' },
      aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'join', operator: 'In', values: ['team'] }] }] },
      rules: [rule('*', '*', '*')],
    })
    await made(clusterBindings, aBinding('team', 'team', 'member'))
    expect(await codeOf('GET', tasks, 'member')).toBe(403)
    await made(clusterRoles, { metadata: { name: 'team-tasks', labels: { join: 'team' } }, rules: [rule('list', 'tasks')] })
    expect(await codeOf('GET', tasks, 'member')).toBe(200)
    await eventually(async () => {
      expect((await send(cluster, 'GET', `${clusterRoles}/team`)).json.rules).toEqual([rule('list', 'tasks')])
    })
    await send(cluster, 'DELETE', `${clusterRoles}/team-tasks`)
    expect(await codeOf('GET', tasks, 'member')).toBe(403)
  })

  it.each([
    ['verbs', clusterRoles, [{ verbs: [], apiGroups: [''], resources: ['nodes'] }], 'rules[0].verbs'],
    ['groups', clusterRoles, [{ verbs: ['get'], resources: ['nodes'] }], 'rules[0].apiGroups'],
    ['resources', clusterRoles, [{ verbs: ['get'], apiGroups: [''] }], 'rules[0].resources'],
    ['either paths or resources', clusterRoles, [rule('get', 'nodes', '', { nonResourceURLs: ['/x'] })], 'rules[0].nonResourceURLs'],
    ['no paths in a namespace', rolesIn('default'), [{ verbs: ['get'], nonResourceURLs: ['/x'] }], 'rules[0].nonResourceURLs'],
  ])('has %s', async (_what, path, rules, field) => {
    expect((await post(path, { metadata: { name: 'wrong' }, rules })).json).toMatchObject({ code: 422, details: { causes: [{ field }] } })
  })
})

it('a PUT that would create needs the right to create too', async () => {
  const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/put'
  await made(rolesIn('default'), aRole('putter', rule('update', 'leases', 'coordination.k8s.io')))
  await made(bindingsIn('default'), aBinding('putter', 'putter', 'putter', 'Role'))
  const put = () => send(cluster, 'PUT', lease, { body: { metadata: { name: 'put' }, spec: {} }, user: 'putter' })
  expect(await put()).toMatchObject({ code: 403, json: { message: expect.stringContaining('cannot create resource "leases"') } })
  await made('/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata: { name: 'put' }, spec: {} })
  expect(await put()).toMatchObject({ code: 200 })
})

describe('a binding', () => {
  it('never changes its role', async () => {
    await made(bindingsIn('default'), aBinding('fixed', 'view', 'somebody'))
    const changed = await send(cluster, 'PATCH', `${bindingsIn('default')}/fixed`, { body: { roleRef: { name: 'edit' } } })
    expect(changed.json).toMatchObject({ code: 422, message: expect.stringContaining('cannot change roleRef') })
    const { json } = await send(cluster, 'GET', `${bindingsIn('default')}/fixed`)
    expect(json).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }],
    })
  })

  it.each([
    ['subjects[0].kind', { subjects: [{ kind: 'Robot', name: 'r' }] }],
    ['subjects[0].namespace', { subjects: [{ kind: 'ServiceAccount', name: 'r' }] }],
    ['subjects[0].apiGroup', { subjects: [{ kind: 'User', apiGroup: 'x', name: 'r' }] }],
    ['roleRef.kind', { roleRef: { kind: 'Role', name: 'r' } }],
    ['roleRef.apiGroup', { roleRef: { apiGroup: 'x', kind: 'ClusterRole', name: 'r' } }],
  ])('is refused for %s', async (field, change) => {
    const answer = await post(clusterBindings, { ...aBinding('wrong', 'view', 'u'), ...change })
    expect(answer.json).toMatchObject({ code: 422, details: { causes: [{ field }] } })
  })
})

describe('who may give which rights', () => {
  const mayWrite = rule('create,update,patch', 'roles,rolebindings,clusterroles,clusterrolebindings', 'rbac.authorization.k8s.io')
  beforeAll(async () => {
    await made(
      clusterRoles,
      aRole('writer', mayWrite, rule('get,list', 'tasks'), rule('get', 'secrets', '', { resourceNames: ['a', 'b'] })),
    )
    await made(clusterBindings, aBinding('writer', 'writer', 'writer'))
    await made(clusterRoles, aRole('escalator', mayWrite, rule('escalate', 'clusterroles', 'rbac.authorization.k8s.io')))
    await made(clusterBindings, aBinding('escalator', 'escalator', 'escalator'))
    await made(clusterRoles, aRole('binder', mayWrite, rule('bind', '*', 'rbac.authorization.k8s.io', { resourceNames: ['view'] })))
    await made(clusterBindings, aBinding('binder', 'binder', 'binder'))
    await made(bindingsIn('kube-system'), aBinding('writer-there', 'edit', 'writer'))
  })
  let count = 0
  const attempt = async (user: string, path: string, body: { metadata: object }) =>
    (await post(path, { ...body, metadata: { ...body.metadata, name: `given-${++count}` } }, user)).code

  it.each<[string, number, string, object[]]>([
    ['less than it has', 201, 'writer', [rule('get', 'tasks')]],
    ['what it has, name by name', 201, 'writer', [rule('get', 'secrets', '', { resourceNames: ['b'] })]],
    ['nothing', 201, 'writer', []],
    ['another verb', 403, 'writer', [rule('get,delete', 'tasks')]],
    ['another group', 403, 'writer', [rule('get', 'tasks', 'millrace.dev,example.com')]],
    ['all verbs', 403, 'writer', [rule('*', 'tasks')]],
    ['a subresource', 403, 'writer', [rule('get', 'tasks/status')]],
    ['another name', 403, 'writer', [rule('get', 'secrets', '', { resourceNames: ['a', 'c'] })]],
    ['every name', 403, 'writer', [rule('get', 'secrets', '')]],
    ['a path', 403, 'writer', [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }]],
    ['what it has in another namespace alone', 403, 'writer', [rule('create', 'configmaps', '')]],
    ['anything, with escalate', 201, 'escalator', [rule('*', '*', '*')]],
  ])('a role with %s: %i', async (_what, code, user, rules) => {
    expect(await attempt(user, clusterRoles, aRole('', ...rules))).toBe(code)
  })

  it('is judged by the rights in the namespace of the role', async () => {
    expect(await attempt('writer', rolesIn('kube-system'), aRole('', rule('create', 'configmaps', '')))).toBe(201)
    expect(await attempt('writer', rolesIn('default'), aRole('', rule('create', 'configmaps', '')))).toBe(403)
  })

  it('says what is missing', async () => {
    const { json } = await post(clusterRoles, aRole('more', rule('get,delete', 'tasks')), 'writer')
    expect(json.message).toBe(
      'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "writer" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["millrace.dev"], Resources:["tasks"], Verbs:["delete"]}',
    )
  })

  it('covers labels by which a role is gathered, and gathering itself', async () => {
    await made(clusterRoles, aRole('mighty', rule('*', '*', '*')))
    const label = { metadata: { labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } } }
    expect((await send(cluster, 'PATCH', `${clusterRoles}/mighty`, { user: 'writer', body: label })).code).toBe(403)
    const gather = { metadata: {}, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
    expect(await attempt('writer', clusterRoles, gather)).toBe(403)
    const owners = { metadata: { finalizers: ['example.com/x'] } }
    expect((await send(cluster, 'PATCH', `${clusterRoles}/mighty`, { user: 'writer', body: owners })).code).toBe(200)
  })

  it.each<[string, number, string, string, string]>([
    ['a role of which it has all', 201, 'writer', 'writer', clusterBindings],
    ['a role of which it lacks some', 403, 'writer', 'view', clusterBindings],
    ['a role of which it has all there', 201, 'writer', 'view', bindingsIn('kube-system')],
    ['a role that it may bind', 201, 'binder', 'view', clusterBindings],
    ['a role that it may not bind', 403, 'binder', 'edit', clusterBindings],
    ['a role that does not exist', 404, 'writer', 'nobody', clusterBindings],
  ])('a binding to %s: %i', async (_what, code, user, role, path) => {
    expect(await attempt(user, path, aBinding('', role, 'friend'))).toBe(code)
  })

  it('does not look at a million combinations', async () => {
    const many = (prefix: string) => Array.from({ length: 300 }, (_, index) => `${prefix}${index}`)
    const rules = [{ verbs: many('verb'), apiGroups: many('group'), resources: many('resource') }]
    expect((await post(clusterRoles, aRole('huge', ...rules), 'writer')).code).toBe(403)
  })
})
