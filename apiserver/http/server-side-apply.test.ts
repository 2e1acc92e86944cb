import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { aDefinition, aWidget, define, widgets } from './fixtures/definitions.js'
import { aTask, type Json, type RequestOptions, send, tasks } from './fixtures/requests.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

const type = 'application/apply-patch+yaml'
const maps = '/api/v1/namespaces/default/configmaps'
const apply = (path: string, body: unknown, options: RequestOptions = {}) =>
  send(cluster, 'PATCH', path, { ...options, body, headers: { 'Content-Type': type, ...options.headers } })
const aMap = (name: string, data: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const managers = (object: Json) => object.metadata.managedFields.map((entry: Json) => `${entry.manager} ${entry.operation}`)

describe('an apply over HTTP', () => {
  it('answers 201 with what it created, then 200, and takes YAML as well as JSON', async () => {
    const first = await apply(`${maps}/yaml?fieldManager=me`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: "1"}\n')
    expect([first.code, first.json.data]).toEqual([201, { a: '1' }])
    const again = await apply(`${maps}/yaml?fieldManager=me`, aMap('yaml', { a: '1' }))
    expect([again.code, again.json]).toEqual([200, first.json])
    const flow = await apply(`${maps}/yaml?fieldManager=me`, '{apiVersion: v1, kind: ConfigMap, metadata: {name: yaml}, data: {a: two}}')
    expect([flow.code, flow.json.data]).toEqual([200, { a: 'two' }])
  })

  it('shows the managers wherever the object is shown', async () => {
    await apply(`${maps}/shown?fieldManager=me`, aMap('shown', { a: '1' }))
    const { json: one } = await send(cluster, 'GET', `${maps}/shown`)
    const { json: list } = await send(cluster, 'GET', maps)
    expect(managers(one)).toEqual(['me Apply'])
    expect(list.items.find((item: Json) => item.metadata.name === 'shown').metadata.managedFields).toEqual(one.metadata.managedFields)
  })

  it('books other writes of a tracked object on the name that is given, else on the User-Agent', async () => {
    await apply(`${maps}/booked?fieldManager=me`, aMap('booked', { a: '1' }))
    await send(cluster, 'PATCH', `${maps}/booked`, { body: { data: { b: '1' } }, headers: { 'User-Agent': 'wheel/1.2 (linux)' } })
    const { json } = await send(cluster, 'PATCH', `${maps}/booked?fieldManager=hand`, { body: { data: { c: '1' } } })
    expect(managers(json).sort()).toEqual(['hand Update', 'me Apply', 'wheel Update'])
  })

  it.each<[string, string, string, RequestOptions, number, string]>([
    ['no fieldManager', type, '', {}, 422, 'fieldManager: Required value: is required for apply patch'],
    ['a fieldManager that is too long', type, `?fieldManager=${'a'.repeat(129)}`, {}, 400, 'may not be more than 128'],
    ['an odd force', type, '?fieldManager=me&force=perhaps', {}, 400, 'force must be true or false'],
    ['force of a merge patch', 'application/merge-patch+json', '?force=true', {}, 422, 'may not be specified for non-apply patch'],
    ['CBOR', 'application/apply-patch+cbor', '?fieldManager=me', {}, 415, 'application/apply-patch+yaml'],
    ['no YAML', type, '?fieldManager=me', { body: 'a: [' }, 400, 'not valid YAML'],
    ['a list', type, '?fieldManager=me', { body: [] }, 400, 'must have apiVersion and kind'],
    ['another namespace', type, '?fieldManager=me', { body: { ...aMap('x'), metadata: { name: 'x', namespace: 'y' } } }, 400, 'namespace'],
  ])('refuses %s', async (_what, contentType, query, options, code, message) => {
    const { body = aMap('x') } = options
    const answer = await send(cluster, 'PATCH', `${maps}/x${query}`, { body, headers: { 'Content-Type': contentType } })
    expect(answer).toMatchObject({ code, json: { message: expect.stringContaining(message) } })
  })

  it('needs the right to create for what is absent, and only then', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
    const role = { metadata: { name: 'patcher' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] }] }
    await send(cluster, 'POST', `${rbac}/roles`, { body: role })
    const subjects = [{ kind: 'User', name: 'pat', apiGroup: 'rbac.authorization.k8s.io' }]
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patcher' }
    await send(cluster, 'POST', `${rbac}/rolebindings`, { body: { metadata: { name: 'patcher' }, subjects, roleRef } })
    const refused = await apply(`${maps}/theirs?fieldManager=pat`, aMap('theirs'), { user: 'pat' })
    expect([refused.code, refused.json.message]).toEqual([403, expect.stringContaining('cannot create resource "configmaps"')])
    await apply(`${maps}/theirs?fieldManager=me`, aMap('theirs'))
    expect((await apply(`${maps}/theirs?fieldManager=pat`, aMap('theirs', { a: '1' }), { user: 'pat' })).code).toBe(200)
  })

  it('answers a dry run with what would be, and stores nothing', async () => {
    const answer = await apply(`${tasks}/dry?fieldManager=me&dryRun=All`, aTask('dry'))
    expect([answer.code, answer.json.spec.restartPolicy]).toEqual([201, 'Never'])
    expect((await send(cluster, 'GET', `${tasks}/dry`)).code).toBe(404)
  })
})

describe('an apply to a kind of a user', () => {
  it('merges by the schema of its definition: list maps, unknown parts, defaults that are nobody’s', async () => {
    await define(cluster, aDefinition())
    const path = (manager: string, query = '') => `${widgets}/w?fieldManager=${manager}${query}`
    const one = await apply(path('one'), aWidget('w', { parts: [{ name: 'a', count: 1 }], free: { x: { deep: [1] } } }))
    expect([one.code, one.json.spec.size]).toEqual([201, 3])
    expect(one.json.metadata.managedFields[0].fieldsV1['f:spec']).toEqual({
      'f:color': {},
      'f:free': { 'f:x': { '.': {}, 'f:deep': {} } },
      'f:parts': { 'k:{"name":"a"}': { '.': {}, 'f:count': {}, 'f:name': {} } },
    })
    const two = await apply(path('two'), aWidget('w', { parts: [{ name: 'b' }], free: { y: 1 } }))
    expect(two.json.spec).toMatchObject({ parts: [{ name: 'a', count: 1 }, { name: 'b' }], free: { x: { deep: [1] }, y: 1 } })
    const clash = await apply(path('two'), aWidget('w', { parts: [{ name: 'a', count: 2 }], free: { x: { deep: [2] } } }))
    expect(clash.json.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.free.x.deep\n- .spec.parts[name="a"].count',
    )
    const left = await apply(path('one'), aWidget('w'))
    expect(left.json.spec).toMatchObject({ parts: [{ name: 'b' }], free: { y: 1 } })
  })
})
