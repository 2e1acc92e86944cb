/**
 * What Millrace does not support is absent or refused with a reason, never accepted and passed over. Discovery and OpenAPI are walked: what
 * they name is there, what they do not name is refused, and every parameter that they name is looked at.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aTask, type Json, send, tableAccept, tasks } from '../../apiserver/http/fixtures/requests.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'

let cluster: TestCluster
let documents: Json[]
let resources: { path: string; name: string; namespaced: boolean; verbs: string[] }[]

beforeAll(async () => {
  cluster = await testCluster({ limits: { freshnessWaitMs: 50 } })
  const get = async (path: string) => (await send(cluster, 'GET', path)).json
  const index = Object.values<Json>((await get('/openapi/v3')).paths).map(({ serverRelativeURL }) => serverRelativeURL)
  documents = await Promise.all(index.map(get))
  for (const { paths } of documents)
    for (const operations of Object.values<Json>(paths)) if (isView(operations.patch)) delete operations.patch
  const groups = [
    '/api/v1',
    ...(await get('/apis')).groups.flatMap((group: Json) => group.versions.map((version: Json) => `/apis/${version.groupVersion}`)),
  ]
  const lists = await Promise.all(groups.map(async (path) => (await get(path)).resources.map((resource: Json) => ({ path, ...resource }))))
  resources = lists.flat()
  await send(cluster, 'POST', tasks, { body: aTask('a') })
  return () => cluster.close()
})

/** OpenAPI names the patch of a view, so that kubectl sends it and is told what to write instead; it is refused like what is not named. */
const isView = (operation: Json) =>
  builtinKinds.some(({ kind, viewOf }) => viewOf !== undefined && operation?.['x-kubernetes-group-version-kind'].kind === kind)

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const
const refusal = (answer: Answer) => ({ code: answer.code, kind: answer.json?.kind, status: answer.json?.status })

/** The path of an object that does not exist, or of its collection. */
const concrete = (path: string) => path.replace('{namespace}', 'default').replace('{name}', 'absent')

describe('discovery and OpenAPI', () => {
  it('name the same resources, subresources and verbs', () => {
    const named = new Map<string, Set<string>>()
    for (const { paths } of documents)
      for (const [path, operations] of Object.entries<Json>(paths)) {
        const [, prefix = '', , resource = '', part = ''] =
          /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(\/namespaces\/\{namespace\})?\/([^/]+)(?:\/\{name\}(?:\/(.+))?)?$/.exec(path) ?? []
        const key = `${prefix}/${resource}${part === '' ? '' : `/${part}`}`
        const verbs = named.get(key) ?? new Set()
        for (const method of methods) if (operations[method]) verbs.add(verbOf(operations[method]['x-kubernetes-action']))
        if (operations.get?.parameters.some(({ name }: Json) => name === 'watch')) verbs.add('watch')
        named.set(key, verbs)
      }
    const discovered = new Map(resources.map(({ path, name, verbs }) => [`${path}/${name}`, verbs]))
    expect([...named.keys()].sort()).toEqual([...discovered.keys()].sort())
    for (const [key, verbs] of discovered) expect([key, [...(named.get(key) ?? [])].sort()]).toEqual([key, [...verbs].sort()])
  })
  const verbOf = (action: string) => ({ post: 'create', put: 'update' })[action] ?? action

  it('name what is there, and what they do not name is 405 or 404', async () => {
    for (const { paths } of documents)
      for (const [path, operations] of Object.entries<Json>(paths))
        for (const method of methods) {
          const body = method === 'get' || method === 'delete' ? undefined : {}
          const { code } = await send(cluster, method.toUpperCase(), `${concrete(path)}?dryRun=All`, body ? { body } : {})
          const named = operations[method] !== undefined
          expect([method, path, named ? ![405, 501].includes(code) : code]).toEqual([
            method,
            path,
            named ? true : expect.toBeOneOf([404, 405]),
          ])
        }
  })

  it.each([
    '/api/v1/nodes/absent/proxy',
    '/api/v1/nodes/absent/nothing',
    `${tasks}/a/resize`,
    `${tasks}/a/status/more`,
    '/api/v1/componentstatuses',
  ])('say nothing of %s, and it is not there', async (path) => {
    for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE']) {
      const { code } = await send(cluster, method, path, method === 'GET' || method === 'DELETE' ? {} : { body: {} })
      expect([method, code]).toEqual([method, 404])
    }
  })
})

describe('a parameter', () => {
  /** A value of each that means nothing. Parameters of free text have none that is refused. */
  const meaningless: Record<string, string> = {
    allowWatchBookmarks: 'maybe',
    continue: 'zzz',
    dryRun: 'Some',
    fieldManager: 'x'.repeat(129),
    fieldSelector: 'no.such.field=x',
    fieldValidation: 'Sometimes',
    force: 'maybe',
    gracePeriodSeconds: 'soon',
    labelSelector: 'a===b',
    limit: 'few',
    orphanDependents: 'maybe',
    propagationPolicy: 'Sideways',
    resourceVersion: 'newest',
    resourceVersionMatch: 'Roughly',
    sendInitialEvents: 'maybe',
    timeoutSeconds: 'soon',
    watch: '',
  }

  it('that OpenAPI names is read: a value that means nothing is refused with 400 or 422', async () => {
    for (const { paths } of documents)
      for (const [path, operations] of Object.entries<Json>(paths))
        for (const method of methods)
          for (const { name } of operations[method]?.parameters ?? []) {
            expect(Object.keys(meaningless)).toContain(name)
            if (meaningless[name] === '') continue
            const contentType = method === 'patch' ? { 'Content-Type': 'application/merge-patch+json' } : {}
            const options = method === 'get' || method === 'delete' ? {} : { body: {}, headers: contentType }
            const answer = await send(
              cluster,
              method.toUpperCase(),
              `${concrete(path)}?${name}=${encodeURIComponent(meaningless[name] ?? '')}`,
              options,
            )
            expect([method, path, name, refusal(answer)]).toEqual([
              method,
              path,
              name,
              { code: expect.toBeOneOf([400, 422]), kind: 'Status', status: 'Failure' },
            ])
          }
  })

  it.each([
    ['GET', `${tasks}?includeObject=Some`, { Accept: tableAccept }, 400],
    ['GET', `${tasks}?timeout=soon`, {}, 400],
    ['GET', `${tasks}?timeout=-1s`, {}, 400],
    ['GET', `${tasks}/a?resourceVersion=99999`, {}, 504],
    ['GET', `${tasks}?resourceVersionMatch=Exact`, {}, 422],
    ['GET', `${tasks}?resourceVersionMatch=Exact&resourceVersion=0`, {}, 422],
    ['GET', `${tasks}?sendInitialEvents=true`, {}, 422],
    ['GET', `${tasks}?watch=1&resourceVersionMatch=Exact&resourceVersion=1`, {}, 422],
    ['GET', `${tasks}?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact`, {}, 422],
    ['GET', tasks, { Accept: 'application/yaml' }, 406],
    ['GET', tasks, { Accept: 'application/vnd.kubernetes.protobuf' }, 406],
    ['GET', tasks, { Accept: 'application/json;as=Table;v=v2;g=meta.k8s.io' }, 406],
  ])('of %s %s that cannot be kept is refused', async (method, path, headers, code) => {
    expect(refusal(await send(cluster, method, path, { headers }))).toEqual({ code, kind: 'Status', status: 'Failure' })
  })

  it('timeout ends the wait for an answer, and no later than the server does', async () => {
    const patient = await testCluster({ limits: { freshnessWaitMs: 60_000 } })
    const answer = await send(patient, 'GET', `${tasks}?resourceVersion=99999&timeout=20ms`)
    expect(answer).toMatchObject({ code: 504, json: { reason: 'Timeout', message: expect.stringContaining('did not answer in time') } })
    expect((await send(patient, 'GET', `${tasks}?resourceVersion=99999&timeoutSeconds=1`)).code).toBe(504)
    expect((await send(patient, 'GET', `${tasks}?timeout=1m30.5s`)).code).toBe(200)
    await patient.close()
  })
})

describe('a body', () => {
  it('of a type that OpenAPI does not name is 415, and names the types', async () => {
    for (const { paths } of documents)
      for (const [path, operations] of Object.entries<Json>(paths))
        for (const method of ['put', 'post', 'patch', 'delete']) {
          if (!operations[method]?.requestBody) continue
          for (const type of [
            'text/plain',
            'application/cbor',
            'application/xml',
            ...(method === 'patch' ? ['application/json'] : ['application/merge-patch+json']),
          ]) {
            const answer = await send(cluster, method.toUpperCase(), concrete(path), { body: '{}', headers: { 'Content-Type': type } })
            expect([method, path, type, answer.code, answer.json?.reason]).toEqual([method, path, type, 415, 'UnsupportedMediaType'])
            expect(answer.json.message).toContain('application/')
          }
        }
  })
})

describe('options of a deletion', () => {
  const options = (fields: object) => ({ kind: 'DeleteOptions', apiVersion: 'v1', ...fields })
  it.each<[string, object, string, number]>([
    ['an unknown field', options({ propagationpolicy: 'Orphan' }), '', 400],
    ['an unknown precondition', options({ preconditions: { generation: 3 } }), '', 400],
    ['preconditions that are no object', options({ preconditions: ['x'] }), '', 400],
    ['a precondition that is no text', options({ preconditions: { uid: 5 } }), '', 400],
    ['an unknown policy', options({ propagationPolicy: 'Sideways' }), '', 422],
    ['a policy of another type', options({ propagationPolicy: 1 }), '', 422],
    ['two policies', options({ propagationPolicy: 'Orphan', orphanDependents: true }), '', 422],
    ['two policies, one of them in the query', options({ propagationPolicy: 'Orphan' }), 'orphanDependents=true', 422],
    ['orphanDependents of another type', options({ orphanDependents: 'yes' }), '', 400],
    ['a dry run of another kind', options({ dryRun: ['Some'] }), '', 422],
    ['a dry run that is no list', options({ dryRun: 'All' }), '', 400],
    ['a period that is no whole number', options({ gracePeriodSeconds: 1.5 }), '', 400],
    ['the removal of what cannot be read', options({ ignoreStoreReadErrorWithClusterBreakingPotential: true }), '', 422],
    ['another kind', { kind: 'ListOptions' }, '', 400],
  ])('are refused: %s', async (_what, body, query, code) => {
    for (const path of [`${tasks}/a`, tasks])
      expect(refusal(await send(cluster, 'DELETE', `${path}?${query}`, { body }))).toEqual({ code, kind: 'Status', status: 'Failure' })
    expect((await send(cluster, 'GET', `${tasks}/a`)).code).toBe(200)
  })

  it('are kept wherever they are: a dry run in the query deletes nothing, whatever the body says', async () => {
    for (const path of [`${tasks}/a`, tasks]) {
      const answer = await send(cluster, 'DELETE', `${path}?dryRun=All`, { body: options({ propagationPolicy: 'Background' }) })
      expect(answer.code).toBe(200)
      expect((await send(cluster, 'GET', `${tasks}/a`)).code).toBe(200)
    }
  })

  it('are kept: the policy becomes the finalizer that asks for it', async () => {
    for (const [query, finalizers] of [
      ['propagationPolicy=Orphan', ['orphan']],
      ['orphanDependents=true', ['orphan']],
      ['propagationPolicy=Foreground', ['foregroundDeletion']],
    ] as const) {
      await send(cluster, 'POST', tasks, { body: aTask('kept') })
      const { json } = await send(cluster, 'DELETE', `${tasks}/kept?${query}`)
      expect(json.metadata.finalizers).toEqual(finalizers)
      await send(cluster, 'PATCH', `${tasks}/kept`, { body: { metadata: { finalizers: null } } })
    }
  })

  it.each([
    ['nothing said: the time that the Task has', undefined, undefined, 7],
    ['a time of the request', 3, undefined, 3],
    ['none', 0, undefined, 0],
    ['less than none is a second', -5, undefined, 1],
    ['a shorter time in a second request', undefined, 2, 2],
    ['a longer time in a second request, which changes nothing', 5, 60, 5],
  ])('are kept: how long a Task has to end: %s', async (_what, first, second, expected) => {
    await send(cluster, 'POST', tasks, { body: aTask('ending', { terminationGracePeriodSeconds: 7 }, { finalizers: ['test.dev/hold'] }) })
    const remove = (seconds?: number) =>
      send(cluster, 'DELETE', `${tasks}/ending`, seconds === undefined ? {} : { body: options({ gracePeriodSeconds: seconds }) })
    const begun = await remove(first)
    const { json } = second === undefined ? begun : await remove(second)
    expect(json.metadata).toMatchObject({
      deletionGracePeriodSeconds: expected,
      generation: 2,
      deletionTimestamp: begun.json.metadata.deletionTimestamp,
    })
    await send(cluster, 'PATCH', `${tasks}/ending`, { body: { metadata: { finalizers: null } } })
  })

  it('of kinds that have nothing to end let them go at once, which is within any time', async () => {
    const path = '/api/v1/namespaces/default/configmaps'
    await send(cluster, 'POST', path, { body: { metadata: { name: 'c', finalizers: ['test.dev/hold'] } } })
    const { json } = await send(cluster, 'DELETE', `${path}/c?gracePeriodSeconds=60`)
    expect(json.metadata.deletionGracePeriodSeconds).toBe(0)
  })
})
