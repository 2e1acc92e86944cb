/** Questions about rights, over HTTP: the answer is the one that the request itself would get. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { type Json, send } from '../../http/fixtures/requests.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
  await send(cluster, 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    body: {
      metadata: { name: 'viewers' },
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'Group', name: 'viewers' }],
    },
  })
})
afterAll(() => cluster.close())

const path = (plural: string, namespace = '') =>
  `/apis/authorization.k8s.io/v1/${namespace === '' ? '' : `namespaces/${namespace}/`}${plural}`
const ask = (plural: string, spec: object, user?: string, namespace?: string): Promise<Json> =>
  send(cluster, 'POST', path(plural, namespace), { body: { spec }, ...(user ? { user } : {}) })
const listTasks = (namespace: string) => ({ resourceAttributes: { namespace, verb: 'list', group: 'millrace.dev', resource: 'tasks' } })

describe('whether one may', () => {
  it.each<[string, boolean, object]>([
    ['v,viewers', true, listTasks('default')],
    ['v,viewers', false, listTasks('kube-system')],
    ['v,viewers', false, { resourceAttributes: { namespace: 'default', verb: '*', group: '*', resource: '*' } }],
    ['v,viewers', true, { nonResourceAttributes: { path: '/version', verb: 'get' } }],
    ['v,viewers', false, { nonResourceAttributes: { path: '/metrics', verb: 'get' } }],
    ['admin,system:masters', true, { resourceAttributes: { verb: '*', group: '*', resource: '*' } }],
    ['n,system:nodes', false, { resourceAttributes: { verb: 'get', resource: 'secrets', namespace: 'default', name: 's' } }],
  ])('%s: %s for %j', async (user, allowed, spec) => {
    const { code, json } = await ask('selfsubjectaccessreviews', spec, user)
    expect([code, json]).toMatchObject([201, { kind: 'SelfSubjectAccessReview', spec, status: { allowed } }])
  })

  it('says why', async () => {
    const { json } = await ask('selfsubjectaccessreviews', listTasks('default'), 'v,viewers')
    expect(json.status.reason).toBe('RBAC: allowed by RoleBinding "viewers/default" of ClusterRole "view" to Group "viewers"')
  })

  it.each([
    [{}, 'spec.resourceAttributes'],
    [{ resourceAttributes: { verb: 'get' } }, 'spec.resourceAttributes.resource'],
    [{ ...listTasks(''), nonResourceAttributes: { path: '/' } }, 'spec.nonResourceAttributes'],
  ])('is not answered for %j', async (spec, field) => {
    expect((await ask('selfsubjectaccessreviews', spec)).json).toMatchObject({ code: 422, details: { causes: [{ field }] } })
  })
})

describe('whether others may', () => {
  it('is told to those who may ask', async () => {
    const spec = { ...listTasks('default'), user: 'v', groups: ['viewers'] }
    expect((await ask('subjectaccessreviews', spec)).json.status.allowed).toBe(true)
    expect((await ask('subjectaccessreviews', { ...spec, groups: ['others'] })).json.status.allowed).toBe(false)
    expect((await ask('subjectaccessreviews', spec, 'v,viewers')).code).toBe(403)
    expect((await ask('subjectaccessreviews', listTasks('default'))).code).toBe(422)
  })

  it('within one namespace is about that namespace', async () => {
    const spec = { ...listTasks('default'), user: 'v', groups: ['viewers'] }
    expect((await ask('localsubjectaccessreviews', spec, undefined, 'default')).json.status.allowed).toBe(true)
    expect((await ask('localsubjectaccessreviews', spec, undefined, 'kube-system')).code).toBe(400)
  })
})

describe('all that one may', () => {
  it('is what the roles say there', async () => {
    const { json } = await ask('selfsubjectrulesreviews', { namespace: 'default' }, 'v,viewers')
    expect(json.status).toMatchObject({ incomplete: false })
    expect(json.status.resourceRules).toContainEqual({
      verbs: ['get', 'list', 'watch'],
      apiGroups: ['millrace.dev'],
      resources: ['tasks', 'tasks/status', 'tasks/log'],
    })
    expect(json.status.nonResourceRules).toContainEqual({ verbs: ['get', 'post'], nonResourceURLs: ['/trpc', '/trpc/*'] })
    const elsewhere = await ask('selfsubjectrulesreviews', { namespace: 'kube-system' }, 'v,viewers')
    expect(JSON.stringify(elsewhere.json.status)).not.toContain('millrace.dev')
  })

  it('is incomplete for a node, and says so', async () => {
    const { json } = await ask('selfsubjectrulesreviews', { namespace: 'default' }, 'system:node:a,system:nodes')
    expect(json.status).toMatchObject({ incomplete: true, evaluationError: expect.stringContaining('nodes') })
  })
})

it('questions are created and nothing else, and nothing is stored', async () => {
  const { revision } = cluster.store
  await ask('selfsubjectaccessreviews', listTasks('default'))
  expect(cluster.store.revision).toBe(revision)
  expect((await send(cluster, 'GET', path('selfsubjectaccessreviews'))).code).toBe(405)
  const { json } = await send(cluster, 'GET', '/apis/authorization.k8s.io/v1')
  expect(json.resources.map(({ name, verbs }: Json) => [name, verbs])).toContainEqual(['selfsubjectaccessreviews', ['create']])
})
