import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Status } from '../../../lib/api/api-error.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import type { History } from './history.js'
import type { Summary } from './summary.js'
import type { Why } from './why.js'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await testCluster()
})
afterEach(() => cluster.close())

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(cluster.url + path, {
    method,
    headers: { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as Record<string, unknown>
  return { code: response.status, answer }
}

async function ask<T>(procedure: string, input: object, token?: string): Promise<{ code: number; data: T; status: Status | undefined }> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const response = await fetch(`${cluster.url}/trpc/${procedure}?input=${encodeURIComponent(JSON.stringify(input))}`, { headers })
  const answer = (await response.json()) as { result?: { data: T }; error?: { data: { status: Status } } }
  return { code: response.status, data: answer.result?.data as T, status: answer.error?.data.status }
}

const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'
const aTask = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { command: ['true'], ...spec } })
const helloTask = { resource: 'tasks', namespace: 'default', name: 'hello' }

describe('why', () => {
  it('says that no scheduler has looked at a new Task', async () => {
    await send('POST', tasks, aTask('hello'))
    const { data } = await ask<Why>('why', helloTask)
    expect(data).toMatchObject({ kind: 'Task', desired: 'run once, to its end', actual: 'Pending, bound to no node', isSettled: false })
    expect(data.reasons).toContainEqual(expect.objectContaining({ source: 'scheduler', isObstacle: true }))
  })

  it('tells of a Deployment how its ReplicaSets and their Tasks are', async () => {
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web' }] } }
    const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template }
    const own = (kind: string, owner: Record<string, unknown>) => {
      const { name, uid } = owner.metadata as { name: string; uid: string }
      const apiVersion = 'apps/v1'
      return { labels: { app: 'web' }, ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] }
    }
    const { answer: web } = await send('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'web' }, spec })
    const { answer: set } = await send('POST', '/apis/apps/v1/namespaces/default/replicasets', {
      metadata: { name: 'web-a', ...own('Deployment', web) },
      spec,
    })
    await send('POST', tasks, { metadata: { name: 'web-a-1', ...own('ReplicaSet', set) }, spec: { image: 'web' } })
    await send('PATCH', `${tasks}/web-a-1/status`, {
      status: { phase: 'Pending', conditions: [{ type: 'Scheduled', status: 'False', reason: 'Unschedulable', message: 'no node fits' }] },
    })
    await send('PATCH', '/apis/apps/v1/namespaces/default/deployments/web/status', { status: { replicas: 1, updatedReplicas: 1 } })
    const { data } = await ask<Why>('why', { resource: 'deployments', namespace: 'default', name: 'web' })
    expect(data).toMatchObject({
      desired: '2 available',
      actual: '1 Task, 1 of the present template, 0 ready, 0 available',
      isSettled: false,
    })
    expect(data.reasons.filter(({ source }) => source === 'owned').map(({ about, text }) => `${about} ${text}`)).toEqual([
      'ReplicaSet default/web-a 0 of 2 Tasks are available',
      'Task default/web-a-1 is Pending: Unschedulable, no node fits; why task/web-a-1 says more',
    ])
  })

  it('tells of the newest ReplicaSets of a Deployment that has very many', async () => {
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web' }] } }
    const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template }
    const { answer } = await send('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'web' }, spec })
    const { uid } = answer.metadata as { uid: string }
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true }]
    for (let index = 0; index < 12; index++) {
      const metadata = { name: `web-${index}`, labels: { app: 'web' }, ownerReferences }
      await send('POST', '/apis/apps/v1/namespaces/default/replicasets', { metadata, spec })
    }
    const { data } = await ask<Why>('why', { resource: 'deployments', namespace: 'default', name: 'web' })
    const told = data.reasons.filter(({ source }) => source === 'owned').map(({ about }) => about)
    expect(told).toEqual(Array.from({ length: 10 }, (_, index) => `ReplicaSet default/web-${index + 2}`))
  })

  it('repeats the refusal of the scheduler, and the Event about it', async () => {
    const { answer } = await send('POST', tasks, aTask('hello'))
    const { uid } = answer.metadata as { uid: string }
    const refusal = '0 of 1 nodes fit: n1 is cordoned'
    await send('PATCH', `${tasks}/hello/status`, {
      status: { conditions: [{ type: 'Scheduled', status: 'False', reason: 'Unschedulable', message: refusal }] },
    })
    await send('POST', '/api/v1/namespaces/default/events', {
      metadata: { name: 'hello.1' },
      involvedObject: { kind: 'Task', namespace: 'default', name: 'hello', uid },
      type: 'Warning',
      reason: 'FailedScheduling',
      message: refusal,
      count: 3,
      lastTimestamp: '2026-01-01T00:00:00Z',
      reportingComponent: 'millrace.dev/scheduler',
    })
    await cluster.clock.advance(60_000)
    const { data } = await ask<Why>('why', helloTask)
    const texts = data.reasons.map(({ source, text, isObstacle }) => ({ source, text, isObstacle }))
    expect(texts).toContainEqual({ source: 'condition', text: `Scheduled is False (Unschedulable: ${refusal})`, isObstacle: true })
    expect(texts).toContainEqual({
      source: 'event',
      text: `Warning FailedScheduling: ${refusal} (millrace.dev/scheduler, 60s ago, 3 times)`,
      isObstacle: false,
    })
    expect(texts).toContainEqual({ source: 'log', text: expect.stringMatching(/^created by admin at revision \d+$/), isObstacle: false })
  })

  it('blames the node that a Task is bound to', async () => {
    await send('POST', '/api/v1/nodes', { metadata: { name: 'n1' }, spec: { unschedulable: true } })
    await send('PATCH', '/api/v1/nodes/n1/status', {
      status: {
        allocatable: { cpu: '4', memory: '8Gi' },
        backends: [{ name: 'process', available: true, isolation: 'user' }],
        conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'silent for 40 s' }],
      },
    })
    const created = await send('POST', tasks, aTask('hello', { nodeName: 'n1' }))
    expect(created.code).toBe(201)
    const { data } = await ask<Why>('why', helloTask)
    const obstacles = data.reasons.filter((reason) => reason.isObstacle).map(({ about, text }) => `${about}: ${text}`)
    expect(obstacles).toContain('Node n1: is not Ready: silent for 40 s')
    expect(obstacles).toContain('Task default/hello: the agent of node n1 has not accepted it yet')
    expect(data.reasons.map(({ text }) => text)).toContain('is cordoned: nothing new is placed on it')
  })

  it('names the disruption budget that a drain waits for', async () => {
    const spec = { taints: [{ key: 'millrace.dev/drain', effect: 'NoExecute' }] }
    await send('POST', '/api/v1/nodes', { metadata: { name: 'n1' }, spec })
    await send('POST', tasks, { metadata: { name: 'hello', labels: { app: 'web' } }, spec: { image: 'busybox', nodeName: 'n1' } })
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
    for (const app of ['web', 'db'])
      await send('POST', budgets, { metadata: { name: app }, spec: { minAvailable: 1, selector: { matchLabels: { app } } } })
    const about = async () => {
      const { data } = await ask<Why>('why', helloTask)
      return data.reasons.flatMap(({ about, text, isObstacle }) => (about.startsWith('Pod') ? [[about, text, isObstacle]] : []))
    }
    const text = (why: string) => `node n1 is being drained, and it forbids the eviction: ${why}`
    expect(await about()).toEqual([['PodDisruptionBudget default/web', text('it has not been counted yet'), true]])
    const counted = (status: string) => [{ type: 'DisruptionAllowed', status, reason: 'x', message: '1 of 1 are healthy' }]
    await send('PATCH', `${budgets}/web/status`, { status: { conditions: counted('False') } })
    expect(await about()).toEqual([['PodDisruptionBudget default/web', text('1 of 1 are healthy'), true]])
    await send('PATCH', `${budgets}/web/status`, { status: { conditions: counted('True') } })
    expect(await about()).toEqual([])
  })

  it('names what a deletion waits for', async () => {
    await send('POST', tasks, { metadata: { name: 'hello', finalizers: ['example.com/mine'] }, spec: { command: ['true'] } })
    await send('DELETE', `${tasks}/hello`)
    const { data } = await ask<Why>('why', helloTask)
    expect(data.desired).toBe('deleted')
    expect(data.reasons).toContainEqual(
      expect.objectContaining({
        source: 'finalizer',
        text: expect.stringContaining('whoever removes the finalizer example.com/mine'),
        isObstacle: true,
      }),
    )
  })

  it('says of a Task that has failed how it ended, and of nothing else that it stands in the way', async () => {
    await send('POST', tasks, aTask('hello'))
    await send('PATCH', `${tasks}/hello/status`, {
      status: {
        phase: 'Failed',
        exitCode: 143,
        conditions: [
          { type: 'Running', status: 'False', reason: 'Ended' },
          { type: 'Complete', status: 'True', reason: 'DeadlineExceeded', message: 'ran for its activeDeadlineSeconds of 2' },
        ],
      },
    })
    const { data } = await ask<Why>('why', helloTask)
    expect(data.isSettled).toBe(false)
    expect(data.reasons.filter((reason) => reason.isObstacle).map((reason) => reason.text)).toEqual([
      'Complete is True (DeadlineExceeded: ran for its activeDeadlineSeconds of 2)',
    ])
  })

  it('is settled for a Task that has succeeded', async () => {
    await send('POST', tasks, aTask('hello'))
    await send('PATCH', `${tasks}/hello/status`, {
      status: {
        phase: 'Succeeded',
        exitCode: 0,
        conditions: [
          { type: 'Running', status: 'False', reason: 'Ended' },
          { type: 'Complete', status: 'True', reason: 'Succeeded' },
        ],
      },
    })
    const { data } = await ask<Why>('why', helloTask)
    expect(data).toMatchObject({ isSettled: true, actual: 'Succeeded, bound to no node, ended with exit code 0' })
  })

  it.each([
    ['that was stopped', 'False', 'Stopped', 'NotRunning', []],
    ['that could not be stopped', 'True', 'StopFailed', 'Started', ['Running is True (StopFailed)']],
  ])('of a Vps %s names what stands in the way, and not what was asked for', async (_which, running, reason, ready, obstacles) => {
    const machines = '/apis/millrace.dev/v1/namespaces/default/vpses'
    await send('POST', machines, { metadata: { name: 'dev' }, spec: { image: 'busybox', running: false } })
    const conditions = [
      { type: 'Running', status: running, reason },
      { type: 'Ready', status: running, reason: ready },
    ]
    await send('PATCH', `${machines}/dev/status`, { status: { conditions } })
    const { data } = await ask<Why>('why', { resource: 'vpses', namespace: 'default', name: 'dev' })
    expect(data.reasons.filter(({ isObstacle }) => isObstacle).map(({ text }) => text)).toEqual(obstacles)
    expect(data.isSettled).toBe(obstacles.length === 0)
  })

  it('refuses in Status words: absent objects, unknown resources, and who may not read', async () => {
    expect(await ask('why', helloTask)).toMatchObject({ code: 404, status: { reason: 'NotFound', code: 404 } })
    expect(await ask('why', { resource: 'nothings', name: 'x' })).toMatchObject({ code: 400, status: { reason: 'BadRequest' } })
    expect(await ask('why', { nonsense: 1 })).toMatchObject({ code: 400, status: { reason: 'BadRequest' } })
    await send('POST', tasks, aTask('hello'))
    expect(await ask('why', helloTask, 'nobody')).toMatchObject({ code: 403, status: { reason: 'Forbidden' } })
  })

  it('leaves out, and names, what the caller may not read', async () => {
    await send('POST', tasks, aTask('hello'))
    const { data } = await ask<Why>('why', helloTask, 'system:scheduler')
    expect(data.kind).toBe('Task')
    expect(data.hidden).toContain('events in default')
  })
})

describe('history', () => {
  it('tells who changed what, oldest first, and that it is complete', async () => {
    await send('POST', tasks, aTask('hello'))
    await send('PATCH', `${tasks}/hello`, { spec: { suspend: true }, metadata: { labels: { a: 'b' } } })
    await send('DELETE', `${tasks}/hello`)
    const { data } = await ask<History>('history', helloTask)
    expect(data.window).toMatchObject({ isComplete: true, text: expect.stringContaining('complete') })
    expect(data.revisions.map(({ type, actor }) => ({ type, actor }))).toEqual([
      { type: 'ADDED', actor: 'admin' },
      { type: 'MODIFIED', actor: 'admin' },
      { type: 'DELETED', actor: 'admin' },
    ])
    expect(data.revisions[1]?.changes).toEqual([
      { path: 'metadata.labels', to: { a: 'b' } },
      { path: 'spec.suspend', from: false, to: true },
    ])
  })

  it('never tells a value of a Secret, only the names of changed keys', async () => {
    const secrets = '/api/v1/namespaces/default/secrets'
    await send('POST', secrets, { metadata: { name: 's' }, stringData: { password: 'canary-one' } })
    await send('PATCH', `${secrets}/s`, { stringData: { password: 'canary-two', extra: 'canary-three' } })
    const { data } = await ask<History>('history', { resource: 'secrets', name: 's' })
    expect(data.revisions[1]?.changes).toEqual([{ path: 'data.password' }, { path: 'data.extra' }])
    const text = JSON.stringify(data)
    for (const canary of ['canary-one', 'canary-two', 'canary-three']) {
      expect(text).not.toContain(canary)
      expect(text).not.toContain(Buffer.from(canary).toString('base64'))
    }
  })

  it('says where its window begins when only the newest revisions are kept', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
    await send('POST', leases, { metadata: { name: 'l' }, spec: { holderIdentity: 'a' } })
    await send('PATCH', `${leases}/l`, { spec: { holderIdentity: 'b' } })
    await cluster.store.compact(cluster.store.revision)
    const { data } = await ask<History>('history', { resource: 'leases', name: 'l' })
    expect(data.window).toMatchObject({ isComplete: false, text: expect.stringContaining('only the newest revisions of leases are kept') })
  })
})

describe('summary', () => {
  it('counts kinds, phases and readiness of nodes', async () => {
    await send('POST', tasks, aTask('a'))
    await send('POST', tasks, aTask('b'))
    await send('PATCH', `${tasks}/b/status`, {
      status: { phase: 'Running', conditions: [{ type: 'Running', status: 'True', reason: 'Started' }] },
    })
    await send('POST', '/api/v1/nodes', { metadata: { name: 'n1' }, spec: { unschedulable: true } })
    const { data } = await ask<Summary>('summary', {})
    expect(data.kinds.find(({ kind }) => kind === 'Task')).toMatchObject({ count: 2, phases: { Pending: 1, Running: 1 } })
    expect(data.kinds.find(({ kind }) => kind === 'Namespace')).toMatchObject({ count: 5 })
    expect(data.nodes).toEqual({ total: 1, ready: 0, notReady: 1, cordoned: 1 })
  })

  it('counts only what the caller may list', async () => {
    const { data } = await ask<Summary>('summary', {}, 'nobody')
    expect(data).toEqual({ revision: expect.any(Number), namespace: '', kinds: [] })
  })
})
