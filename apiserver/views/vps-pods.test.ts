/** Vpses as Pods over HTTP, beside those of Tasks. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TestCluster } from '../../lib/testing/test-cluster.js'
import { type Json, send, tableAccept, tasksOf } from '../http/fixtures/requests.js'
import { podsBed } from './fixtures/pods-bed.js'

const bed = podsBed()
const { createTask, evict, logs, namesIn, post, read, watch } = bed
let cluster: TestCluster
let namespace = ''
let pods = ''
let vpses = ''
beforeEach(() => {
  ;({ cluster, namespace, pods } = bed)
  vpses = `/apis/millrace.dev/v1/namespaces/${namespace}/vpses`
})

const createVps = (name: string, { labels = {}, ...spec }: Json = {}) =>
  post(vpses, { apiVersion: 'millrace.dev/v1', kind: 'Vps', metadata: { name, labels }, spec: { image: 'debian', ...spec } })

async function patch(path: string, body: Json): Promise<void> {
  const { code, json } = await send(cluster, 'PATCH', path, { body })
  expect(code, json?.message).toBe(200)
}
const setRunning = (name: string, running: boolean) => patch(`${vpses}/${name}`, { spec: { running } })
/** As the agent reports it. */
function report(name: string, phase: 'Running' | 'Stopped' | 'Provisioning' | 'Unknown' | 'Failed', reason?: string): Promise<void> {
  const is = phase === 'Running' ? 'True' : phase === 'Unknown' ? 'Unknown' : 'False'
  const at = '2026-01-01T00:00:00Z'
  const running = { type: 'Running', status: is, reason: reason ?? (phase === 'Running' ? 'Started' : phase), message: '' }
  const ready = { type: 'Ready', status: is, reason: running.reason, message: '' }
  const scheduled = { type: 'Scheduled', status: 'True', reason: 'Bound', message: '' }
  const conditions = [scheduled, running, ready].map((condition) => ({ ...condition, lastTransitionTime: at }))
  const started = phase === 'Running' ? { startedAt: at, starts: 1, address: '172.30.0.5', runtimeId: 'c1' } : {}
  return patch(`${vpses}/${name}/status`, { status: { phase, conditions, ...started } })
}
const runs = async (name: string) => (await read(`${vpses}/${name}`)).spec.running

describe('the Pod of a Vps', () => {
  it('is called vps.NAME, with its uid, revision, labels and node', async () => {
    const { metadata } = await createVps('box', { labels: { app: 'x' }, nodeName: 'n1', ports: [{ port: 80 }] })
    await report('box', 'Running')
    const { json } = await send(cluster, 'GET', `${pods}/vps.box`)
    const { uid, creationTimestamp } = metadata
    const { resourceVersion } = (await read(`${vpses}/box`)).metadata
    expect(json.metadata).toMatchObject({ name: 'vps.box', namespace, uid, creationTimestamp, resourceVersion, labels: { app: 'x' } })
    expect(json).toMatchObject({
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { nodeName: 'n1', restartPolicy: 'Always', containers: [{ name: 'main', image: 'debian', ports: [{ containerPort: 80 }] }] },
      status: { phase: 'Running', podIP: '172.30.0.5', containerStatuses: [{ ready: true, containerID: 'docker://c1' }] },
    })
  })

  it('is not that of a Task of the same name', async () => {
    await createTask('box')
    const { metadata } = await createVps('box')
    expect((await read(`${pods}/box`)).metadata.uid).not.toBe(metadata.uid)
    expect((await read(`${pods}/vps.box`)).metadata.uid).toBe(metadata.uid)
    expect(namesIn(await read(pods))).toEqual(['box', 'vps.box'])
  })

  it.each<[string, boolean, 'Running' | 'Stopped' | 'Provisioning' | 'Unknown' | 'Failed' | undefined, boolean]>([
    ['that waits for a node', true, undefined, true],
    ['that runs', true, 'Running', true],
    ['that cannot be made', true, 'Failed', true],
    ['that ended and is started again', true, 'Provisioning', true],
    ['whose node does not report', true, 'Unknown', true],
    ['that is being stopped', false, 'Running', true],
    ['that is stopped', false, 'Stopped', false],
    ['that is to start, and is reported as stopped still', true, 'Stopped', false],
    ['that was never to run', false, undefined, false],
    ['that is to stop while its node does not report', false, 'Unknown', false],
    ['that is to stop before it has started', false, 'Provisioning', false],
  ])('of one %s (running: %s, phase %s): %s', async (_what, running, phase, exists) => {
    await createVps('box', { nodeName: 'n1', running: running || phase !== undefined })
    if (phase) await report('box', phase)
    if (!running && phase) await setRunning('box', false)
    expect((await send(cluster, 'GET', `${pods}/vps.box`)).code).toBe(exists ? 200 : 404)
    expect(namesIn(await read(pods))).toEqual(exists ? ['vps.box'] : [])
  })

  it('says what it waits for, and is shown as a table', async () => {
    await createVps('box', { nodeName: 'n1' })
    await report('box', 'Provisioning', 'CrashLoopBackOff')
    const table = await read(pods, { Accept: tableAccept })
    expect(table.rows.map((row: Json) => row.cells.slice(0, 4))).toEqual([['vps.box', '0/1', 'CrashLoopBackOff', '0']])
    expect((await read(`${pods}/vps.box`)).status).toMatchObject({ phase: 'Pending' })
  })

  it.each([
    ['PUT', '/vps.box', 'update a Vps (millrace.dev/v1) instead'],
    ['PATCH', '/vps.box', 'patch a Vps (millrace.dev/v1) instead'],
    ['POST', '', 'create a Task (millrace.dev/v1) or a Vps (millrace.dev/v1) instead'],
  ])('is not written: %s says what to write instead', async (method, path, instead) => {
    const { code, json } = await send(cluster, method, pods + path, { body: {} })
    expect([code, json.message]).toEqual([405, expect.stringContaining(instead)])
  })
})

describe('a list of Pods with Vpses among them', () => {
  beforeEach(async () => {
    for (const name of ['a', 'vps', 'vps-1', 'vpsa', 'z']) await createTask(name, { labels: { kind: 'task' }, nodeName: 'n1' })
    for (const name of ['b', 'a']) await createVps(name, { labels: { kind: 'vps' }, nodeName: name === 'a' ? 'n1' : 'n2' })
    await createVps('off', { running: false, nodeName: 'n1' })
    await report('a', 'Running')
  })
  const all = ['a', 'vps', 'vps-1', 'vps.a', 'vps.b', 'vpsa', 'z']

  it.each([
    ['', all],
    ['labelSelector=kind%3Dvps', ['vps.a', 'vps.b']],
    ['labelSelector=kind', all],
    ['fieldSelector=metadata.name%3Dvps.a', ['vps.a']],
    ['fieldSelector=metadata.name%3Dvps', ['vps']],
    ['fieldSelector=metadata.name%3Dvps.off', []],
    ['fieldSelector=metadata.name!%3Dvps.a,spec.nodeName%3Dn2', ['vps.b']],
    ['fieldSelector=spec.nodeName%3Dn1', ['a', 'vps', 'vps-1', 'vps.a', 'vpsa', 'z']],
    ['fieldSelector=status.phase%3DRunning', ['vps.a']],
  ])('with ?%s has %j', async (query, expected) => {
    expect(namesIn(await read(`${pods}?${query}`))).toEqual(expected)
    expect(namesIn(await read(`/api/v1/pods?${query}`))).toEqual(expected)
  })

  it.each([1, 2, 3, 5, 7])('goes on in pages of %i at one revision, whatever is changed meanwhile', async (limit) => {
    const at = (await read(pods)).metadata.resourceVersion
    const found: string[] = []
    let token = ''
    do {
      const page = await read(`${pods}?limit=${limit}${token === '' ? '' : `&continue=${token}`}`)
      expect(page.metadata.resourceVersion).toBe(at)
      found.push(...namesIn(page))
      token = page.metadata.continue ?? ''
      if (found.length === limit) {
        await send(cluster, 'DELETE', `${tasksOf(namespace)}/z`)
        await setRunning('b', false)
        await createVps('c')
      }
    } while (token !== '')
    expect(found).toEqual(all)
  })

  it('goes on without a snapshot too, where the token has none', async () => {
    const { metadata } = await read(`${pods}?limit=4`)
    const { v, start } = JSON.parse(Buffer.from(metadata.continue, 'base64url').toString())
    expect(start).toBe(`${namespace}/vps.a`)
    const token = Buffer.from(JSON.stringify({ v, rv: -1, start })).toString('base64url')
    expect(namesIn(await read(`${pods}?limit=9&continue=${token}`))).toEqual(['vps.b', 'vpsa', 'z'])
  })

  it('is what it was at an older revision', async () => {
    const before = (await read(pods)).metadata.resourceVersion
    await setRunning('off', true)
    await report('off', 'Provisioning')
    await setRunning('b', false)
    expect(namesIn(await read(pods))).toEqual(['a', 'vps', 'vps-1', 'vps.a', 'vps.off', 'vpsa', 'z'])
    expect(namesIn(await read(`${pods}?resourceVersion=${before}&resourceVersionMatch=Exact`))).toEqual(all)
  })
})

describe('a watch of Pods with Vpses among them', () => {
  it('tells both kinds in the order of their revisions; a stop is DELETED, a start ADDED', async () => {
    await createTask('t')
    await createVps('box', { nodeName: 'n1' })
    const client = await watch(`${pods}?watch=1`)
    await client.count(2)
    const from = cluster.store.revision
    await report('box', 'Running')
    await createTask('u')
    await setRunning('box', false)
    await report('box', 'Stopped')
    await setRunning('box', true)
    await send(cluster, 'DELETE', `${tasksOf(namespace)}/t`)
    await report('box', 'Running')
    await client.count(8)
    const story = ['MODIFIED vps.box', 'ADDED u', 'MODIFIED vps.box', 'DELETED vps.box', 'DELETED t', 'ADDED vps.box']
    expect(client.story).toEqual(['ADDED t', 'ADDED vps.box', ...story])
    expect(client.events.every(({ object }) => object.kind === 'Pod')).toBe(true)
    const revisions = client.events.slice(2).map(({ object }) => Number(object.metadata.resourceVersion))
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
    const resumed = await watch(`${pods}?watch=1&resourceVersion=${from}`)
    await resumed.count(6)
    expect(resumed.story).toEqual(story)
    const later = await watch(`${pods}?watch=1&resourceVersion=${revisions[3]}`)
    await later.count(2)
    expect(later.story).toEqual(story.slice(4))
  })

  it('of one name is of that kind alone', async () => {
    const ofTask = await watch(`${pods}?watch=1&fieldSelector=metadata.name%3Dbox`)
    const ofVps = await watch(`${pods}?watch=1&fieldSelector=metadata.name%3Dvps.box`)
    await createVps('box')
    await createTask('box')
    await send(cluster, 'DELETE', `${vpses}/box`)
    await send(cluster, 'DELETE', `${tasksOf(namespace)}/box`)
    await ofTask.count(2)
    await ofVps.count(2)
    expect([ofTask.story, ofVps.story]).toEqual([
      ['ADDED box', 'DELETED box'],
      ['ADDED vps.box', 'DELETED vps.box'],
    ])
  })

  it('of a node and a phase tells what enters and leaves them', async () => {
    const client = await watch(`${pods}?watch=1&fieldSelector=spec.nodeName%3Dn1,status.phase%3DRunning`)
    await createVps('other', { nodeName: 'n2' })
    await createVps('box', { nodeName: 'n1' })
    await report('other', 'Running')
    await report('box', 'Running')
    await report('box', 'Provisioning', 'Restarting')
    await client.count(2)
    expect(client.story).toEqual(['ADDED vps.box', 'DELETED vps.box'])
  })

  it('begins with the state of both, sorted, and a bookmark that ends it, when asked', async () => {
    await createVps('a')
    await createVps('off', { running: false })
    for (const name of ['a', 'w']) await createTask(name)
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const client = await watch(`${pods}?${query}`)
    await client.count(4)
    expect(client.story).toEqual(['ADDED a', 'ADDED vps.a', 'ADDED w', 'BOOKMARK'])
    expect(client.events[3]?.object.metadata.resourceVersion).toBe(String(cluster.store.revision))
  })
})

describe('ending the Pod of a Vps', () => {
  const remove = (name: string, body?: Json) => send(cluster, 'DELETE', `${pods}/${name}`, body ? { body } : {})
  beforeEach(async () => {
    await createVps('box', { nodeName: 'n1', labels: { app: 'x' } })
    await report('box', 'Running')
  })

  it('by delete stops it, and answers with the Pod until it has stopped', async () => {
    const { code, json } = await remove('vps.box')
    expect([code, json.kind, json.metadata.name]).toEqual([200, 'Pod', 'vps.box'])
    const vps = await read(`${vpses}/box`)
    expect([vps.spec.running, vps.spec.nodeName, vps.metadata.deletionTimestamp]).toEqual([false, 'n1', undefined])
    await report('box', 'Stopped')
    expect((await remove('vps.box')).json.message).toBe('pods "vps.box" not found')
    expect((await send(cluster, 'GET', `${vpses}/box`)).code).toBe(200)
  })

  it('by delete is over at once where nothing runs', async () => {
    const { metadata } = await createVps('new')
    const { code, json } = await remove('vps.new')
    expect([code, json.status, json.details]).toEqual([200, 'Success', { name: 'vps.new', kind: 'pods', uid: metadata.uid }])
    expect(await runs('new')).toBe(false)
  })

  it('by eviction stops it', async () => {
    expect((await evict('vps.box')).code).toBe(201)
    expect(await runs('box')).toBe(false)
    await report('box', 'Stopped')
    expect((await evict('vps.box')).json.message).toBe('pods "vps.box" not found')
  })

  it('by selector stops it, and deletes the Tasks', async () => {
    await createTask('t', { labels: { app: 'x' } })
    await createVps('other', { labels: { app: 'y' } })
    expect((await send(cluster, 'DELETE', `${pods}?labelSelector=app%3Dx`)).code).toBe(200)
    expect(namesIn(await read(tasksOf(namespace)))).toEqual([])
    expect([await runs('box'), await runs('other')]).toEqual([false, true])
  })

  it('in dry run does nothing', async () => {
    expect((await remove('vps.box', { dryRun: ['All'] })).code).toBe(200)
    expect((await evict('vps.box', { dryRun: ['All'] })).code).toBe(201)
    expect(await runs('box')).toBe(true)
  })

  it('of another object than was meant is a conflict, and in less time than it was promised is refused', async () => {
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }])
      expect((await remove('vps.box', { preconditions })).code).toBe(409)
    expect((await evict('vps.box', { preconditions: { uid: 'other' } })).code).toBe(409)
    expect((await remove('vps.box', { gracePeriodSeconds: 0 })).code).toBe(422)
    expect(await runs('box')).toBe(true)
  })

  it('needs the right to pods, not to Vpses', async () => {
    const { code, json } = await send(cluster, 'DELETE', `${pods}/vps.box`, { user: 'ann' })
    expect([code, json.message]).toEqual([403, expect.stringContaining('cannot delete resource "pods"')])
  })
})

describe('what lies behind the Pod of a Vps', () => {
  beforeEach(async () => {
    await createVps('box', { nodeName: 'n1' })
  })

  it.each(['exec', 'attach', 'portforward'])('has its sessions: %s', async (type) => {
    const request = get(`${cluster.url}${pods}/vps.box/${type}?command=x`, {
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
      agent: false,
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.headers['x-session']).toBe(`${type} Vps box main`)
  })

  it('has no console: that is of Vpses alone', async () => {
    expect((await send(cluster, 'GET', `${pods}/vps.box/console`)).code).toBe(404)
  })

  it('has its log, read as pods/log of this name', async () => {
    expect((await send(cluster, 'GET', `${pods}/vps.box/log`)).json.message).toMatch(
      /^container "main" in pod "vps.box" is waiting to start/,
    )
    await report('box', 'Running')
    expect((await send(cluster, 'GET', `${pods}/vps.box/log?container=main&tailLines=1`)).text).toBe('line\n')
    expect((await send(cluster, 'GET', `${pods}/vps.box/log?previous=true`)).json.message).toMatch(/^previous terminated container/)
    const access = { resource: 'pods', subresource: 'log', verb: 'get', namespace, name: 'vps.box' }
    const target = { kind: expect.objectContaining({ kind: 'Vps' }), namespace, name: 'box', access: expect.objectContaining(access) }
    expect(logs).toEqual([{ target: expect.objectContaining(target), query: 'tailLines=1' }])
  })

  it('has its Events', async () => {
    const { uid } = (await read(`${vpses}/box`)).metadata
    const events = `/api/v1/namespaces/${namespace}/events`
    const involvedObject = { apiVersion: 'millrace.dev/v1', kind: 'Vps', namespace, name: 'box', uid }
    await post(events, { metadata: { name: 'e' }, involvedObject, reason: 'Started' })
    await post(events, { metadata: { name: 'f' }, involvedObject: { ...involvedObject, kind: 'Task', uid: 'other' }, reason: 'Started' })
    const found = async (fields: Record<string, string>) => {
      const fieldSelector = Object.entries(fields).map(([field, value]) => `involvedObject.${field}=${value}`)
      return namesIn(await read(`${events}?fieldSelector=${encodeURIComponent(fieldSelector.join(','))}`))
    }
    expect(await found({ kind: 'Pod', name: 'vps.box', namespace, uid })).toEqual(['e'])
    expect(await found({ kind: 'Pod', apiVersion: 'v1', name: 'vps.box' })).toEqual(['e'])
    expect(await found({ name: 'vps.box', namespace, uid })).toEqual(['e'])
    expect(await found({ name: 'vps.box', namespace, uid: 'another' })).toEqual([])
    expect(await found({ kind: 'Pod', name: 'box' })).toEqual(['f'])
    expect(await found({ kind: 'Vps', name: 'box' })).toEqual(['e'])
  })
})
