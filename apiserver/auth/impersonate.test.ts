/** Requests as somebody else, over HTTP: each part of the other identity is a right of its own. */
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type Json, send, tasks } from '../http/fixtures/requests.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
  const impersonate = (resources: string[], resourceNames: string[], apiGroups = ['']) => ({
    verbs: ['impersonate'],
    apiGroups,
    resources,
    resourceNames,
  })
  await post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'stand-in' },
    rules: [
      impersonate(['users'], ['bob']),
      impersonate(['groups'], ['team', 'a, b']),
      impersonate(['uids'], ['bobs-uid'], ['authentication.k8s.io']),
      impersonate(['userextras/example.com/scope'], ['view'], ['authentication.k8s.io']),
      impersonate(['serviceaccounts'], ['robot']),
    ],
  })
  await post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'stand-in' },
    roleRef: { kind: 'ClusterRole', name: 'stand-in' },
    subjects: [{ kind: 'User', name: 'ann' }],
  })
})
afterAll(() => cluster.close())

const post = (path: string, body: object) => send(cluster, 'POST', path, { body })

/** Asks who one is; a header with several values is sent several times. */
function whoAmI(user: string, headers: Record<string, string | string[]>): Promise<{ code: number; json: Json }> {
  return new Promise((resolve, reject) => {
    const url = `${cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`
    const all = { 'content-type': 'application/json', authorization: `Bearer ${user}`, ...headers }
    const request = httpRequest(url, { method: 'POST', headers: all }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ code: response.statusCode ?? 0, json: JSON.parse(text) }))
    })
    request.on('error', reject)
    request.end('{}')
  })
}

describe('a request as somebody else', () => {
  it.each<[string, Record<string, string | string[]>, object]>([
    ['is theirs', { 'Impersonate-User': 'bob' }, { username: 'bob', groups: ['system:authenticated'] }],
    [
      'has all their groups, whatever is in their names',
      { 'Impersonate-User': 'bob', 'Impersonate-Group': ['team', 'a, b'] },
      { username: 'bob', groups: ['team', 'a, b', 'system:authenticated'] },
    ],
    [
      'has their uid and further facts',
      { 'Impersonate-User': 'bob', 'Impersonate-Uid': 'bobs-uid', 'Impersonate-Extra-Example.com%2fscope': 'view' },
      { username: 'bob', uid: 'bobs-uid', groups: ['system:authenticated'], extra: { 'example.com/scope': ['view'] } },
    ],
    [
      'as a ServiceAccount has its groups',
      { 'Impersonate-User': 'system:serviceaccount:default:robot' },
      {
        username: 'system:serviceaccount:default:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      },
    ],
  ])('%s', async (_what, headers, userInfo) => {
    const { code, json } = await whoAmI('ann', headers)
    expect([code, json.status?.userInfo]).toEqual([201, userInfo])
  })

  it.each<[string, number, Record<string, string | string[]>]>([
    ['another user', 403, { 'Impersonate-User': 'admin' }],
    ['another group', 403, { 'Impersonate-User': 'bob', 'Impersonate-Group': ['team', 'system:masters'] }],
    ['another uid', 403, { 'Impersonate-User': 'bob', 'Impersonate-Uid': 'mine' }],
    ['another fact', 403, { 'Impersonate-User': 'bob', 'Impersonate-Extra-Example.com%2fscope': ['view', 'all'] }],
    ['another ServiceAccount', 403, { 'Impersonate-User': 'system:serviceaccount:default:other' }],
    ['a group without a user', 400, { 'Impersonate-Group': 'team' }],
    ['a fact without a user', 400, { 'Impersonate-Extra-Scope': 'view' }],
    ['two users', 400, { 'Impersonate-User': ['bob', 'admin'] }],
    ['a fact that cannot be read', 400, { 'Impersonate-User': 'bob', 'Impersonate-Extra-%zz': 'view' }],
  ])('%s is refused with %i', async (_what, code, headers) => {
    expect((await whoAmI('ann', headers)).code).toBe(code)
  })

  it('says in words what is missing', async () => {
    expect((await whoAmI('carl', { 'Impersonate-User': 'bob' })).json.message).toBe(
      'users "bob" is forbidden: User "carl" cannot impersonate resource "users" in API group "" at the cluster scope',
    )
  })

  it('has their rights and not one more, on every path', async () => {
    const asBob = { 'Impersonate-User': 'bob' }
    expect((await send(cluster, 'GET', tasks, { headers: asBob })).code).toBe(403)
    expect((await send(cluster, 'GET', '/metrics', { headers: asBob })).code).toBe(403)
    expect((await send(cluster, 'GET', '/version', { headers: asBob })).code).toBe(200)
  })

  it('is remembered with both names', async () => {
    await send(cluster, 'POST', '/api/v1/namespaces/default/configmaps', {
      body: { metadata: { name: 'made' } },
      headers: { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' },
    })
    const entries = await cluster.store.history({ group: '', resource: 'configmaps', namespace: 'default', name: 'made' })
    expect(entries.map(({ actor }) => actor)).toEqual(['bob (impersonated by admin)'])
  })
})
