/** Tasks as Pods over HTTP: what a client that knows only Kubernetes kinds can do with them. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../../lib/testing/eventually.js'
import type { TestCluster } from '../../lib/testing/test-cluster.js'
import { type Json, send, tableAccept, tasksOf } from '../http/fixtures/requests.js'
import { podsBed } from './fixtures/pods-bed.js'
import { podUid } from './pod/pod-view.js'

const bed = podsBed()
const { createTask, evict, logs, namesIn, read, watch } = bed
let cluster: TestCluster
let namespace = ''
let pods = ''
let tasks = ''
beforeEach(() => {
  ;({ cluster, namespace, pods } = bed)
  tasks = tasksOf(namespace)
})

async function setStatus(name: string, phase: string, status: object = {}, ...conditions: [type: string, reason: string][]): Promise<void> {
  const all = conditions.map(([type, reason]) => ({
    type,
    status: 'True',
    reason,
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }))
  const body = { status: { ...status, phase, conditions: all } }
  expect((await send(cluster, 'PATCH', `${tasks}/${name}/status`, { body })).code).toBe(200)
}
/** As the controller-manager does when an attempt has ended. */
async function unbind(name: string): Promise<void> {
  const { metadata } = (await send(cluster, 'GET', `${tasks}/${name}`)).json
  const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { nodeName: null } }
  expect((await send(cluster, 'PATCH', `${tasks}/${name}`, { body, user: 'system:controller-manager' })).code).toBe(200)
}

describe('a Pod', () => {
  it('is its Task under the same name, with its revision', async () => {
    const task = await createTask('a', { labels: { app: 'x' } })
    const { code, json } = await send(cluster, 'GET', `${pods}/a`)
    expect(code).toBe(200)
    expect(json).toMatchObject({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'main', image: 'busybox' }] } })
    expect(json.metadata).toEqual(task.metadata)
  })

  it('is absent where there is no Task, and is named as a Pod then', async () => {
    const { code, json } = await send(cluster, 'GET', `${pods}/a`)
    expect([code, json.message]).toEqual([404, 'pods "a" not found'])
  })

  it('is absent when eviction has ended its attempt, before its end or after it', async () => {
    for (const name of ['evicted', 'late', 'failed']) await createTask(name, { nodeName: 'n1' })
    await setStatus('evicted', 'Failed', {}, ['DisruptionTarget', 'Evicted'], ['Complete', 'Evicted'])
    await setStatus('late', 'Succeeded', {}, ['Complete', 'Succeeded'], ['DisruptionTarget', 'Evicted'])
    await setStatus('failed', 'Failed', {}, ['Complete', 'DeadlineExceeded'], ['DisruptionTarget', 'DeadlineExceeded'])
    expect(namesIn(await read(pods))).toEqual(['failed'])
    expect((await send(cluster, 'GET', `${pods}/late`)).code).toBe(404)
    expect((await send(cluster, 'DELETE', `${pods}/late`)).code).toBe(404)
    expect((await send(cluster, 'GET', `${tasks}/late`)).code).toBe(200)
  })

  it('is shown as a table and as its metadata', async () => {
    await createTask('a', { nodeName: 'n1' })
    const table = await read(`${pods}/a`, { Accept: tableAccept })
    expect(table.columnDefinitions.map((column: Json) => [column.name, column.priority])).toEqual([
      ...['Name', 'Ready', 'Status', 'Restarts', 'Age'].map((name) => [name, 0]),
      ...['IP', 'Node', 'Nominated Node', 'Readiness Gates'].map((name) => [name, 1]),
    ])
    expect(table.rows[0].cells).toEqual(['a', '0/1', 'ContainerCreating', '0', '0s', '<none>', 'n1', '<none>', '<none>'])
    expect(table.rows[0].object.kind).toBe('PartialObjectMetadata')
    const list = await read(pods, { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' })
    expect(list.items).toMatchObject([{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }])
  })

  it.each([
    ['POST', '', 'create'],
    ['PUT', '/a', 'update'],
    ['PATCH', '/a', 'patch'],
  ])('is not written: %s says what to write instead', async (method, path, verb) => {
    await createTask('a')
    const { code, json } = await send(cluster, method, pods + path, { body: {} })
    expect([code, json.reason, json.message]).toEqual([
      405,
      'MethodNotAllowed',
      `${verb} is not allowed on pods: they are a view of tasks and vpses and are not written themselves; ${verb} ${path === '' ? 'a Task (millrace.dev/v1) or a Vps' : 'a Task'} (millrace.dev/v1) instead`,
    ])
  })

  it('is known to discovery with what can be done, its parts those of a Task', async () => {
    const { resources } = await read('/api/v1')
    const found = (name: string) => resources.find((resource: Json) => resource.name === name)
    expect(found('pods')).toMatchObject({ kind: 'Pod', shortNames: ['po'], verbs: ['get', 'list', 'watch', 'delete', 'deletecollection'] })
    expect(found('pods/eviction')).toMatchObject({ group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] })
    expect(found('pods/log')).toBeDefined()
    expect([found('pods/status'), found('pods/binding')]).toEqual([undefined, undefined])
  })

  it('is seen by whoever may see pods, and by no node', async () => {
    await createTask('a', { nodeName: 'n1' })
    for (const path of [`${pods}/a`, pods, `${pods}/a/log`, `${pods}?fieldSelector=spec.nodeName%3Dn1`])
      expect((await send(cluster, 'GET', path, { user: 'system:node:n1,system:nodes' })).code).toBe(403)
    expect((await evict('a', undefined, 'ann')).json.message).toContain('cannot create resource "pods/eviction"')
    expect((await send(cluster, 'POST', pods, { body: {}, user: 'ann' })).code).toBe(403)
  })
})

describe('a list of Pods', () => {
  beforeEach(async () => {
    await createTask('a', { nodeName: 'n1', labels: { app: 'x' } })
    await createTask('b', { nodeName: 'n2', labels: { app: 'x' } })
    await createTask('c', { labels: { app: 'y' } })
    await createTask('d', { nodeName: 'n1' })
    await setStatus('b', 'Preparing', { startedAt: '2026-01-01T00:00:00Z' })
    await setStatus('d', 'Succeeded', { exitCode: 0 }, ['Complete', 'Succeeded'])
  })

  it.each([
    ['', ['a', 'b', 'c', 'd']],
    ['labelSelector=app%3Dx', ['a', 'b']],
    ['fieldSelector=metadata.name%3Db', ['b']],
    ['fieldSelector=spec.nodeName%3Dn1', ['a', 'd']],
    ['fieldSelector=spec.nodeName%3D', ['c']],
    ['fieldSelector=spec.nodeName%3Dn1,status.phase!%3DSucceeded,status.phase!%3DFailed', ['a']],
    ['fieldSelector=status.phase%3DPending', ['a', 'c']],
    ['fieldSelector=status.phase%3DRunning', ['b']],
  ])('with ?%s has %j', async (query, expected) => {
    expect(namesIn(await read(`${pods}?${query}`))).toEqual(expected)
    expect(namesIn(await read(`/api/v1/pods?${query}`))).toEqual(expected)
  })

  it('is of the kind PodList, at the revision of the cluster', async () => {
    const list = await read(pods)
    expect([list.kind, list.apiVersion, list.metadata.resourceVersion]).toEqual(['PodList', 'v1', String(cluster.store.revision)])
    expect(list.items.map(({ kind }: Json) => kind)).toEqual(['Pod', 'Pod', 'Pod', 'Pod'])
  })

  it('goes on page by page at one revision, whatever is changed meanwhile', async () => {
    const first = await read(`${pods}?limit=1&labelSelector=app`)
    await send(cluster, 'DELETE', `${tasks}/c`)
    await createTask('bb', { labels: { app: 'x' } })
    const rest = await read(`${pods}?limit=5&labelSelector=app&continue=${first.metadata.continue}`)
    expect([namesIn(first), namesIn(rest)]).toEqual([['a'], ['b', 'c']])
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })

  it('refuses fields that it is not selected by', async () => {
    const { code, json } = await send(cluster, 'GET', `${pods}?fieldSelector=spec.hostname%3Dx`)
    expect([code, json.message]).toEqual([400, 'field label not supported: spec.hostname'])
  })
})

describe('a watch of Pods', () => {
  it.each([
    ['Kubernetes frames', {}],
    ['server-sent events', { Accept: 'text/event-stream' }],
  ])('tells the state and then every change, as %s', async (_name, headers) => {
    await createTask('a')
    const client = await watch(`${pods}?watch=1`, headers as Record<string, string>)
    await client.count(1)
    await createTask('b', { nodeName: 'n1' })
    await setStatus('b', 'Failed', {}, ['DisruptionTarget', 'Evicted'], ['Complete', 'Evicted'])
    await send(cluster, 'DELETE', `${tasks}/a`)
    await client.count(4)
    expect(client.story).toEqual(['ADDED a', 'ADDED b', 'DELETED b', 'DELETED a'])
    expect(client.events.every(({ object }) => object.kind === 'Pod')).toBe(true)
    expect(client.events[2]?.object.metadata.resourceVersion).toBe(String(cluster.store.revision - 1))
  })

  it('works over a WebSocket', async () => {
    await createTask('a')
    const socket = new WebSocket(`${cluster.url.replace('http', 'ws')}${pods}?watch=1`)
    const seen: Json[] = []
    socket.on('message', (data) => seen.push(JSON.parse(data.toString())))
    await eventually(() => seen.length > 0)
    socket.close()
    expect(seen[0]).toMatchObject({ type: 'ADDED', object: { kind: 'Pod', metadata: { name: 'a' } } })
  })

  it('tells of one attempt after another as of two Pods, and whoever stops between them gets both again', async () => {
    const { metadata } = await createTask('a', { nodeName: 'n1', onNodeLost: 'Reschedule' })
    const client = await watch(`${pods}?watch=1`, { Accept: 'text/event-stream' })
    await client.count(1)
    await unbind('a')
    await client.count(3)
    expect(client.story).toEqual(['ADDED a', 'DELETED a', 'ADDED a'])
    expect(client.events.map(({ object }) => object.metadata.uid)).toEqual([metadata.uid, metadata.uid, podUid(metadata.uid, 1)])
    expect(client.events.map(({ id }) => id)).toEqual([undefined, undefined, String(cluster.store.revision)])
    const between = await watch(`${pods}?watch=1&resourceVersion=${client.events[1]?.object.metadata.resourceVersion}`)
    await between.count(2)
    expect(between.story).toEqual(['DELETED a', 'ADDED a'])
  })

  it('of one node tells of a Pod that is bound to it, and of its end there', async () => {
    const client = await watch(`${pods}?watch=1&fieldSelector=spec.nodeName%3Dn1`)
    await createTask('other', { nodeName: 'n2' })
    await createTask('a', { nodeName: 'n1', onNodeLost: 'Reschedule' })
    await unbind('a')
    await client.count(2)
    expect(client.story).toEqual(['ADDED a', 'DELETED a'])
  })

  it('of one phase tells what enters and leaves it', async () => {
    const client = await watch(`${pods}?watch=1&fieldSelector=status.phase%3DRunning`)
    await createTask('a', { nodeName: 'n1' })
    await setStatus('a', 'Running', { startedAt: '2026-01-01T00:00:00Z' })
    await setStatus('a', 'Preparing', { startedAt: '2026-01-01T00:00:00Z' })
    await setStatus('a', 'Failed', { exitCode: 1 }, ['Complete', 'ExitCode'])
    await client.count(3)
    expect(client.story).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
  })

  it('shares a stream with the Tasks behind them, resumed by one id', async () => {
    const both = `resources=millrace.dev/v1/tasks;namespace=${namespace}&resources=v1/pods;namespace=${namespace}`
    const client = await watch(`/apis/millrace.dev/v1/watch?${both}&watch=1`, { Accept: 'text/event-stream' })
    await createTask('a')
    await client.count(2)
    expect(client.events.map(({ object, id }) => [object.kind, id])).toEqual([
      ['Task', undefined],
      ['Pod', String(cluster.store.revision)],
    ])
  })

  it('begins with the state and a bookmark that ends it, when asked', async () => {
    await createTask('a')
    const client = await watch(`${pods}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
    await client.count(2)
    expect(client.story).toEqual(['ADDED a', 'BOOKMARK'])
    expect(client.events[1]?.object).toMatchObject({ kind: 'Pod', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } })
  })

  it('tells rows when a table is asked for', async () => {
    const client = await watch(`${pods}?watch=1`, { Accept: tableAccept })
    await createTask('a')
    const [event] = await client.count(1)
    expect(event?.object.rows[0].cells.slice(0, 3)).toEqual(['a', '0/1', 'Pending'])
  })
})

describe('deleting a Pod', () => {
  it('deletes its Task', async () => {
    const { metadata } = await createTask('a')
    const { code, json } = await send(cluster, 'DELETE', `${pods}/a`)
    expect([code, json.status, json.details]).toEqual([200, 'Success', { name: 'a', kind: 'pods', uid: metadata.uid }])
    expect((await send(cluster, 'GET', `${tasks}/a`)).code).toBe(404)
  })

  it('answers with the Pod while its node cleans up, and passes the grace period on', async () => {
    await createTask('a', { nodeName: 'n1' })
    const { code, json } = await send(cluster, 'DELETE', `${pods}/a`, { body: { gracePeriodSeconds: 3 } })
    expect([code, json.kind, json.metadata.deletionGracePeriodSeconds]).toEqual([200, 'Pod', 3])
    expect((await read(`${tasks}/a`)).metadata.deletionTimestamp).toBeDefined()
  })

  it('looks at the uid of the attempt, not of the Task', async () => {
    const { metadata } = await createTask('a', { nodeName: 'n1', onNodeLost: 'Reschedule' })
    await unbind('a')
    const remove = (uid: string) => send(cluster, 'DELETE', `${pods}/a`, { body: { preconditions: { uid } } })
    expect((await remove(metadata.uid)).json.message).toContain('the UID in the precondition')
    expect((await remove(podUid(metadata.uid, 1))).code).toBe(200)
  })

  it('looks at the revision', async () => {
    const { metadata } = await createTask('a')
    const remove = (resourceVersion: string) => send(cluster, 'DELETE', `${pods}/a`, { body: { preconditions: { resourceVersion } } })
    expect((await remove('1')).code).toBe(409)
    expect((await remove(metadata.resourceVersion)).code).toBe(200)
  })

  it('in dry run deletes nothing', async () => {
    await createTask('a')
    expect((await send(cluster, 'DELETE', `${pods}/a`, { body: { dryRun: ['All'] } })).code).toBe(200)
    expect((await send(cluster, 'GET', `${tasks}/a`)).code).toBe(200)
  })

  it('by selector deletes those Tasks, later attempts too', async () => {
    await createTask('a', { labels: { app: 'x' }, nodeName: 'n1', onNodeLost: 'Reschedule' })
    await unbind('a')
    await createTask('b', { labels: { app: 'y' } })
    expect((await send(cluster, 'DELETE', `${pods}?labelSelector=app%3Dx`)).code).toBe(200)
    expect(namesIn(await read(tasks))).toEqual(['b'])
  })
})

describe('an eviction', () => {
  const conditions = async (name: string) =>
    (await read(`${tasks}/${name}`)).status.conditions?.map(({ type, status, reason }: Json) => `${type}=${status} ${reason}`)

  it('asks the agent for the end of the attempt, once', async () => {
    await createTask('a', { nodeName: 'n1' })
    const { code, json } = await evict('a')
    expect([code, json.status]).toEqual([201, 'Success'])
    expect(await conditions('a')).toEqual(['Scheduled=True Bound', 'DisruptionTarget=True Evicted'])
    const { revision } = cluster.store
    expect((await evict('a')).code).toBe(201)
    expect(cluster.store.revision).toBe(revision)
  })

  it('takes the Pod of an ended Task away, and leaves how it ended', async () => {
    await createTask('a', { nodeName: 'n1' })
    await setStatus('a', 'Succeeded', { exitCode: 0 }, ['Complete', 'Succeeded'])
    expect((await evict('a')).code).toBe(201)
    expect((await send(cluster, 'GET', `${pods}/a`)).code).toBe(404)
    expect((await read(`${tasks}/a`)).status).toMatchObject({ phase: 'Succeeded', exitCode: 0 })
  })

  it('ends at once what waits for a node', async () => {
    await createTask('a')
    expect((await evict('a')).code).toBe(201)
    expect(await conditions('a')).toEqual(['DisruptionTarget=True Evicted', 'Complete=True Evicted'])
    expect((await read(`${tasks}/a`)).status.phase).toBe('Failed')
  })

  it('begins the next attempt of what waits for a node and may be rescheduled', async () => {
    const { metadata } = await createTask('a', { onNodeLost: 'Reschedule' })
    await evict('a')
    expect((await read(`${tasks}/a`)).status).toMatchObject({ phase: 'Pending', attempt: 1 })
    expect((await read(`${pods}/a`)).metadata.uid).toBe(podUid(metadata.uid, 1))
  })

  it('waits while the attempt is being ended for another reason', async () => {
    await createTask('a', { nodeName: 'n1' })
    await setStatus('a', 'Running', {}, ['DisruptionTarget', 'DeadlineExceeded'])
    const { code, json, headers } = await evict('a')
    expect([code, json.reason, headers.get('retry-after')]).toEqual([429, 'TooManyRequests', '5'])
  })

  it('in dry run ends nothing', async () => {
    await createTask('a', { nodeName: 'n1' })
    const { revision } = cluster.store
    expect((await evict('a', { dryRun: ['All'] })).code).toBe(201)
    expect(cluster.store.revision).toBe(revision)
  })

  it('of another attempt than was meant is a conflict', async () => {
    const { metadata } = await createTask('a', { nodeName: 'n1' })
    expect((await evict('a', { preconditions: { uid: podUid(metadata.uid, 1) } })).code).toBe(409)
    expect((await evict('a', { preconditions: { uid: metadata.uid } })).code).toBe(201)
  })

  it.each<[string, object, number]>([
    ['of another name', { metadata: { name: 'b' } }, 400],
    ['that is something else', { kind: 'Pod' }, 400],
    ['of an old version', { apiVersion: 'policy/v1beta1' }, 400],
    ['with a list for options', { deleteOptions: [] }, 400],
    ['with the grace period of the Task', { deleteOptions: { gracePeriodSeconds: 30 } }, 201],
    ['with another grace period', { deleteOptions: { gracePeriodSeconds: 5 } }, 201],
    ['that deletes dependents first', { deleteOptions: { propagationPolicy: 'Foreground' } }, 422],
  ])('%s', async (_name, more, code) => {
    await createTask('a', { nodeName: 'n1' })
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' }, ...more }
    expect((await send(cluster, 'POST', `${pods}/a/eviction`, { body })).code).toBe(code)
  })

  it('of an absent Pod is 404, and with another method 405', async () => {
    expect((await evict('a')).json.message).toBe('pods "a" not found')
    await createTask('a')
    expect((await send(cluster, 'GET', `${pods}/a/eviction`)).code).toBe(405)
  })
})

describe('what lies behind a Pod', () => {
  it('has its sessions, and a Pod that is absent has none', async () => {
    const upgrade = async (name: string): Promise<unknown> => {
      const request = get(`${cluster.url}${pods}/${name}/exec?command=x&container=main`, {
        headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
        agent: false,
      })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      response.resume()
      return response.headers['x-session'] ?? response.statusCode
    }
    await createTask('a', { nodeName: 'n1' })
    expect(await upgrade('a')).toBe('exec Task a main')
    expect(await upgrade('b')).toBe(404)
  })

  it('has the container that its annotation names, and no other', async () => {
    await createTask('a', { nodeName: 'n1' })
    const metadata = { annotations: { 'millrace.dev/container': 'web' } }
    await send(cluster, 'PATCH', `${tasks}/a`, { body: { metadata } })
    await setStatus('a', 'Running', { startedAt: '2026-01-01T00:00:00Z' })
    const pod = await read(`${pods}/a`)
    expect([...pod.spec.containers, ...pod.status.containerStatuses].map(({ name }: Json) => name)).toEqual(['web', 'web'])
    expect((await send(cluster, 'GET', `${pods}/a/log?container=web`)).text).toBe('line\n')
    expect((await send(cluster, 'GET', `${pods}/a/log?container=main`)).json.message).toBe('container main is not valid for pod a')
    await send(cluster, 'PATCH', `${tasks}/a`, { body: { metadata: { annotations: { 'millrace.dev/container': 'We b' } } } })
    expect((await read(`${pods}/a`)).spec.containers[0].name).toBe('main')
  })

  it('has its log, read as pods/log, in the words of the Task', async () => {
    await createTask('a', { nodeName: 'n1' })
    expect((await send(cluster, 'GET', `${pods}/a/log`)).json.message).toBe(
      'container "main" in pod "a" is waiting to start: ContainerCreating',
    )
    await setStatus('a', 'Running', { startedAt: '2026-01-01T00:00:00Z' })
    expect((await send(cluster, 'GET', `${pods}/a/log?container=main&tailLines=1`)).text).toBe('line\n')
    expect(logs).toEqual([
      {
        target: expect.objectContaining({
          kind: expect.objectContaining({ kind: 'Task' }),
          access: expect.objectContaining({
            group: '',
            resource: 'pods',
            subresource: 'log',
            verb: 'get',
            namespace,
            name: 'a',
          }),
        }),
        query: 'tailLines=1',
      },
    ])
  })

  it('has its Events, for every attempt', async () => {
    const { metadata } = await createTask('a', { nodeName: 'n1', onNodeLost: 'Reschedule' })
    const involvedObject = { apiVersion: 'millrace.dev/v1', kind: 'Task', namespace, name: 'a', uid: metadata.uid }
    const events = `/api/v1/namespaces/${namespace}/events`
    await send(cluster, 'POST', events, { body: { metadata: { name: 'e' }, involvedObject, reason: 'Started' } })
    const found = async (fields: Record<string, string>) => {
      const fieldSelector = Object.entries(fields).map(([field, value]) => `involvedObject.${field}=${value}`)
      return namesIn(await read(`${events}?fieldSelector=${encodeURIComponent(fieldSelector.join(','))}`))
    }
    expect(await found({ kind: 'Pod', name: 'a', namespace, uid: metadata.uid })).toEqual(['e'])
    expect(await found({ kind: 'Pod', apiVersion: 'v1', name: 'a' })).toEqual(['e'])
    expect(await found({ kind: 'ConfigMap', name: 'a' })).toEqual([])
    await unbind('a')
    expect(await found({ name: 'a', namespace, uid: podUid(metadata.uid, 1) })).toEqual(['e'])
    expect(await found({ name: 'a', namespace, uid: podUid(metadata.uid, 2) })).toEqual([])
    expect(await found({ kind: 'Task', uid: metadata.uid })).toEqual(['e'])
  })
})
