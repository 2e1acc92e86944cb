/** metrics.k8s.io over HTTP, with agents that say what the test wants. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NodeStats, WorkloadUsage } from '../../lib/api/node-stats.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type Json, send, tableAccept, tasks } from '../http/fixtures/requests.js'
import type { StatsQuestion } from '../http/server-parts.js'

const metrics = '/apis/metrics.k8s.io/v1beta1'
const pods = `${metrics}/namespaces/default/pods`
const usage = { cpuCores: 0.25, memoryBytes: 64 * 1024 ** 2, windowMs: 15_200 }
const machine = {
  ...usage,
  diskUsedBytes: 1024 ** 3,
  load: [0.5, 1, 1.5],
  temperatures: [{ label: 'cpu', celsius: 55.5 }],
  gpus: [{ index: 0, utilizationPercent: 30, memoryUsedBytes: 1024 ** 2 }],
}

let cluster: TestCluster
const uids: Record<string, string> = {}
const asked: [string, StatsQuestion][] = []
let says: (node: string, question: StatsQuestion) => NodeStats | undefined

beforeAll(async () => {
  cluster = await testCluster({
    streams: {
      streamLog: () => Promise.reject(new Error('not asked for')),
      openSession: () => Promise.reject(new Error('not asked for')),
      streamSnapshot: () => Promise.reject(new Error('not asked for')),
      tunnelCounts: () => Promise.reject(new Error('not asked for')),
      handleGateway: () => {},
      handleUpgrade: () => {},
      async readStats(node, question) {
        asked.push([node, question])
        return says(node, question)
      },
    },
  })
  for (const name of ['n1', 'n2', 'n3'])
    await send(cluster, 'POST', '/api/v1/nodes', { body: { metadata: { name, labels: { rack: name === 'n3' ? 'b' : 'a' } } } })
  const create = async (path: string, name: string, spec: object, phase: string, status: object = {}, metadata: object = {}) => {
    const { json, code } = await send(cluster, 'POST', path, { body: { metadata: { name, ...metadata }, spec } })
    expect(code, json?.message).toBe(201)
    uids[name] = json.metadata.uid
    const patched = await send(cluster, 'PATCH', `${path}/${name}/status`, { body: { status: { phase, ...status } } })
    expect(patched.code, patched.json?.message).toBe(200)
  }
  const command = { image: 'busybox' }
  await create(
    tasks,
    'web',
    { ...command, nodeName: 'n1' },
    'Running',
    { attempt: 1 },
    { labels: { app: 'web' }, annotations: { 'millrace.dev/container': 'nginx' } },
  )
  await create(tasks, 'db', { ...command, nodeName: 'n2' }, 'Running')
  await create(tasks, 'over', { ...command, nodeName: 'n3' }, 'Succeeded')
  await create(tasks, 'waits', command, 'Pending')
  await create('/apis/millrace.dev/v1/namespaces/default/vpses', 'box', { image: 'debian', nodeName: 'n2' }, 'Running')
})
afterAll(() => cluster.close())

const workload = (name: string, more: Partial<WorkloadUsage> = {}): WorkloadUsage => ({
  kind: 'Task',
  uid: uids[name] ?? '',
  attempt: 0,
  ...usage,
  ...more,
})
beforeEach(() => {
  asked.length = 0
  says = (node, { of }) => {
    if (node === 'n3') return undefined
    if (of === 'machine') return { machine, workloads: [] }
    if (node === 'n1') return { workloads: [workload('web', { attempt: 0 }), workload('web', { attempt: 1, cpuCores: 2 })] }
    return {
      workloads: [workload('db'), workload('box', { kind: 'Vps' }), workload('web', { cpuCores: 99, attempt: 7 }), workload('nobody')],
    }
  }
})

const read = async (path: string, options = {}): Promise<Json> => {
  const { code, json } = await send(cluster, 'GET', path, options)
  expect(code, json?.message).toBe(200)
  return json
}
const names = (list: Json) => list.items.map((item: Json) => item.metadata.name)

describe('nodes', () => {
  it('are measured side by side; one whose agent does not answer is left out', async () => {
    const list = await read(`${metrics}/nodes`)
    expect(names(list)).toEqual(['n1', 'n2'])
    expect(list).toMatchObject({ kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1' })
    expect(list.items[0]).toEqual({
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name: 'n1', labels: expect.objectContaining({ rack: 'a' }), creationTimestamp: '2026-01-01T00:00:00Z' },
      timestamp: '2026-01-01T00:00:00Z',
      window: '15.2s',
      usage: { cpu: '250000000n', memory: '65536Ki', 'ephemeral-storage': '1048576Ki' },
      load: [0.5, 1, 1.5],
      temperatures: [{ sensor: 'cpu', celsius: 55.5 }],
      gpus: [{ index: 0, utilization: 30, memory: '1024Ki' }],
    })
    expect(asked.map(([node]) => node).sort()).toEqual(['n1', 'n2', 'n3'])
  })

  it('that a selector leaves out are not asked', async () => {
    expect(names(await read(`${metrics}/nodes?labelSelector=rack%3Db`))).toEqual([])
    expect(names(await read(`${metrics}/nodes?fieldSelector=metadata.name%3Dn1`))).toEqual(['n1'])
    expect(asked.map(([node]) => node)).toEqual(['n3', 'n1'])
  })

  it('one by one: measured, silent, absent', async () => {
    expect(await read(`${metrics}/nodes/n2`)).toMatchObject({ kind: 'NodeMetrics', metadata: { name: 'n2' } })
    const silent = await send(cluster, 'GET', `${metrics}/nodes/n3`)
    expect(silent).toMatchObject({ code: 503, json: { message: expect.stringContaining('agent of node "n3" does not say') } })
    expect((await send(cluster, 'GET', `${metrics}/nodes/absent`)).code).toBe(404)
  })
})

describe('pods', () => {
  it('are the running Tasks and Vpses, by what their own node says of the newest attempt', async () => {
    const list = await read(pods)
    expect(list.items.map(({ metadata, containers }: Json) => [metadata.name, containers])).toEqual([
      ['db', [{ name: 'main', usage: { cpu: '250000000n', memory: '65536Ki' } }]],
      ['web', [{ name: 'nginx', usage: { cpu: '2000000000n', memory: '65536Ki' } }]],
      ['vps.box', [{ name: 'main', usage: { cpu: '250000000n', memory: '65536Ki' } }]],
    ])
    expect(asked).toEqual([
      ['n2', { of: 'workloads' }],
      ['n1', { of: 'workloads' }],
    ])
    expect(names(await read(`${metrics}/pods?labelSelector=app%3Dweb`))).toEqual(['web'])
    expect(names(await read(`${metrics}/namespaces/kube-system/pods`))).toEqual([])
  })

  it('one by one, of which its agent is asked alone', async () => {
    expect(await read(`${pods}/vps.box`)).toMatchObject({ kind: 'PodMetrics', containers: [{ usage: { cpu: '250000000n' } }] })
    await read(`${pods}/web`)
    const place = { of: 'workload', namespace: 'default' }
    expect(asked).toEqual([
      ['n2', { ...place, kind: 'Vps', name: 'box', uid: uids.box, attempt: 0 }],
      ['n1', { ...place, kind: 'Task', name: 'web', uid: uids.web, attempt: 1 }],
    ])
    for (const name of ['over', 'waits', 'absent', 'box', 'vps.db'])
      expect([name, (await send(cluster, 'GET', `${pods}/${name}`)).code]).toEqual([name, 404])
    says = () => ({ workloads: [] })
    expect((await send(cluster, 'GET', `${pods}/web`)).json).toMatchObject({
      code: 404,
      message: expect.stringContaining('nothing of it runs'),
    })
  })

  it('are tables for those who print them', async () => {
    const table = await read(pods, { headers: { Accept: tableAccept } })
    expect(table.rows[0].cells).toEqual(['db', '250000000n', '65536Ki', '15.2s'])
  })
})

it.each([
  ['GET', `${metrics}/nodes?watch=true`, 405],
  ['GET', `${pods}/web?watch=true`, 405],
  ['POST', `${metrics}/nodes`, 405],
  ['DELETE', `${pods}/web`, 405],
  ['DELETE', pods, 405],
  ['GET', `${pods}?fieldSelector=spec.nodeName%3Dn1`, 400],
  ['GET', `${pods}?continue=eyJ9`, 400],
  ['GET', `${pods}?resourceVersion=1&resourceVersionMatch=Exact`, 400],
  ['GET', `/apis/millrace.dev/v1/watch?resources=metrics.k8s.io/v1beta1/nodes`, 400],
  ['GET', `${pods}?limit=1`, 200],
])('%s %s is answered with %i', async (method, path, code) => {
  expect((await send(cluster, method, path, method === 'POST' ? { body: {} } : {})).code).toBe(code)
})

it('who may view a namespace sees its pods, and neither others nor nodes', async () => {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'viewer' }]
  const bindings = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings'
  await send(cluster, 'POST', bindings, { body: { metadata: { name: 'viewer' }, roleRef, subjects } })
  const code = async (path: string, user: string) => (await send(cluster, 'GET', path, { user })).code
  expect([await code(pods, 'viewer'), await code(`${pods}/web`, 'viewer')]).toEqual([200, 200])
  expect([await code(`${metrics}/pods`, 'viewer'), await code(`${metrics}/nodes`, 'viewer')]).toEqual([403, 403])
  expect([await code(pods, 'stranger'), await code(`${metrics}/nodes/n1`, 'system:node:n1,system:nodes')]).toEqual([403, 403])
})
