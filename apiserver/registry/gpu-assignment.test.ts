import { describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { send, tasks } from '../http/fixtures/requests.js'
import { chooseGpus } from './gpu-assignment.js'

const present = [
  { index: 0, numaNode: 0 },
  { index: 1, numaNode: 1 },
  { index: 2, numaNode: 0 },
  { index: 3, numaNode: 1 },
]
const asks = (count: number, named: number[] = [], numa?: number) => ({ count, named, numa })

describe('the GPUs of a workload', () => {
  it.each([
    ['the lowest free ones', asks(2), [0], [1, 2]],
    ['those that it names', asks(2, [1, 3]), [], [1, 3]],
    ['those that it names, and more', asks(3, [3]), [0], [1, 2, 3]],
    ['those of its NUMA node first', asks(2, [], 1), [], [1, 3]],
    ['of another NUMA node, when its own has too few', asks(3, [], 1), [], [0, 1, 3]],
    ['none that it names twice', asks(2, [0, 9]), [], 'has no GPU 9'],
    ['none that another has', asks(1, [2]), [2], 'has GPU 2 held by default/holder'],
    ['not more than there are', asks(4), [1], 'lacks GPUs (asks 4, 3 free)'],
  ])('are %s', (_which, request, held, chosen) => {
    expect(chooseGpus(request, present, new Map(held.map((index) => [index, 'default/holder'])))).toEqual(chosen)
  })
})

describe('binding', () => {
  const task = (name: string, spec: object) => ({
    apiVersion: 'millrace.dev/v1',
    kind: 'Task',
    metadata: { name },
    spec: { image: 'busybox', ...spec },
  })
  const byNumber = (count: number) => ({ resources: { limits: { 'millrace.dev/gpu': count } } })
  const make = (cluster: TestCluster, name: string, spec: object) => send(cluster, 'POST', tasks, { body: task(name, spec) })
  const bind = (cluster: TestCluster, name: string) =>
    send(cluster, 'POST', `${tasks}/${name}/binding`, {
      body: { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'n1' } },
    })
  const gpusOf = async (cluster: TestCluster, name: string) => (await send(cluster, 'GET', `${tasks}/${name}`)).json.status.gpus
  const withNode = async (status: object = { gpus: present.map(({ index }) => ({ index })) }) => {
    const cluster = await testCluster()
    await send(cluster, 'POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } })
    await send(cluster, 'PATCH', '/api/v1/nodes/n1/status', { body: { status } })
    return cluster
  }

  it('gives each GPU once, to workloads that name theirs beside those that ask for a number', async () => {
    await using cluster = await withNode()
    await make(cluster, 'two', byNumber(2))
    await make(cluster, 'third', { target: 'n1::2' })
    await make(cluster, 'taken', { target: 'n1::1' })
    await make(cluster, 'none', {})
    for (const name of ['two', 'third', 'none']) expect((await bind(cluster, name)).code).toBe(201)
    expect(await gpusOf(cluster, 'two')).toEqual([0, 1])
    expect(await gpusOf(cluster, 'third')).toEqual([2])
    expect(await gpusOf(cluster, 'none')).toBeUndefined()
    const refused = await bind(cluster, 'taken')
    expect(refused).toMatchObject({ code: 409, json: { message: expect.stringContaining('node n1 has GPU 1 held by default/two') } })
    await send(cluster, 'PATCH', `${tasks}/two/status`, { body: { status: { phase: 'Succeeded' } } })
    expect((await bind(cluster, 'taken')).code).toBe(201)
  })

  it('gives no GPU twice to those that are bound in one batch, or born bound', async () => {
    await using cluster = await withNode()
    const names = Array.from({ length: 6 }, (_, n) => `t${n}`)
    await Promise.all(names.slice(0, 4).map((name) => make(cluster, name, byNumber(1))))
    const codes = [
      ...(await Promise.all([
        ...names.slice(0, 4).map((name) => bind(cluster, name)),
        ...names.slice(4).map((name) => make(cluster, name, { nodeName: 'n1', ...byNumber(1) })),
      ])),
    ].map(({ code }) => code)
    expect(codes.filter((code) => code === 201)).toHaveLength(4)
    expect(codes.filter((code) => code === 409)).toHaveLength(2)
    const given = await Promise.all(names.map(async (name) => (await send(cluster, 'GET', `${tasks}/${name}`)).json.status?.gpus ?? []))
    expect(given.flat().sort()).toEqual([0, 1, 2, 3])
  })

  it('gives none on a node that names none', async () => {
    await using cluster = await withNode({ allocatable: { 'millrace.dev/gpu': '2' } })
    await make(cluster, 'a', byNumber(1))
    expect((await bind(cluster, 'a')).code).toBe(201)
    expect(await gpusOf(cluster, 'a')).toBeUndefined()
  })

  it('begins anew with the next attempt', async () => {
    await using cluster = await withNode()
    await make(cluster, 'a', { onNodeLost: 'Reschedule', ...byNumber(1) })
    await bind(cluster, 'a')
    const { json } = await send(cluster, 'GET', `${tasks}/a`)
    const { nodeName: _nodeName, ...spec } = json.spec
    const unbound = { ...json, spec, metadata: { ...json.metadata, finalizers: [] } }
    expect((await send(cluster, 'PUT', `${tasks}/a`, { body: unbound, user: 'system:controller-manager' })).code).toBe(200)
    expect(await gpusOf(cluster, 'a')).toBeUndefined()
  })
})
