import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { Task, type TaskStatus } from '../../lib/api/kinds/task.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type StatusClient, StatusReporter } from './status-reporter.js'

let cluster: TestCluster
let admin: Client
let client: Client
let reporter: StatusReporter<Task>
let ending: AbortController
let written: Task[]
const at = { namespace: 'default', name: 'subject' }

beforeAll(async () => {
  cluster = await testCluster()
  admin = createClient(cluster.admin)
  client = createClient(await cluster.configOf('system:node:n1', ['system:nodes']))
})
afterAll(async () => {
  await client.close()
  await admin.close()
  await cluster.close()
})
beforeEach(() => {
  ending = new AbortController()
  written = []
  reporter = new StatusReporter({
    objects: client.of(Task),
    clock: systemClock,
    log: silentLogger,
    signal: ending.signal,
    onWritten: (task) => written.push(task),
  })
})
afterEach(async () => {
  ending.abort()
  await admin
    .of(Task)
    .mergePatch(at, { metadata: { finalizers: null } })
    .catch(() => {})
  await admin
    .of(Task)
    .delete(at)
    .catch(() => {})
})

const create = () => admin.of(Task).create({ metadata: at, spec: { image: 'x', nodeName: 'n1' } })
const restarts =
  (count: number) =>
  (task: Task): TaskStatus => ({ ...task.status, restarts: count })

it('writes what differs, once', async () => {
  const task = await create()
  reporter.report(task, restarts(1))
  await reporter.flushed()
  expect((await admin.of(Task).get(at)).status).toMatchObject({ restarts: 1, phase: 'Assigned' })
  reporter.report(written[0] ?? task, restarts(1))
  await reporter.flushed()
  expect(written).toHaveLength(1)
})

it('writes the newest state only, when several came while it wrote', async () => {
  const task = await create()
  for (let count = 1; count <= 20; count++) reporter.report(task, restarts(count))
  await reporter.flushed()
  expect((await admin.of(Task).get(at)).status?.restarts).toBe(20)
  expect(written.length).toBeLessThanOrEqual(2)
})

it('what was judged while a write was under way is written with one request, onto what that write made', async () => {
  const tasks = client.of(Task)
  const asked: string[] = []
  const objects: StatusClient<Task> = {
    get: (...args) => {
      asked.push('get')
      return tasks.get(...args)
    },
    mergePatch: (...args) => {
      asked.push('patch')
      return tasks.mergePatch(...args)
    },
  }
  const onWritten = (task: Task) => written.push(task)
  const counting = new StatusReporter({ objects, clock: systemClock, log: silentLogger, signal: ending.signal, onWritten })
  const task = await create()
  for (let count = 1; count <= 20; count++) counting.report(task, restarts(count))
  await counting.flushed()
  expect(asked).toEqual(['patch', 'patch'])
  expect((await admin.of(Task).get(at)).status?.restarts).toBe(20)
})

it('judges anew when the task has changed meanwhile, and loses nothing of others', async () => {
  const stale = await create()
  await admin
    .of(Task)
    .mergePatch(
      at,
      { status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'Evicted' }] } },
      { subresource: 'status' },
    )
  const judged: (string | undefined)[] = []
  reporter.report(stale, (task) => {
    judged.push(task.metadata.resourceVersion)
    return { ...task.status, restarts: (task.status?.conditions ?? []).length }
  })
  await reporter.flushed()
  expect(new Set(judged).size).toBe(2)
  const { status } = await admin.of(Task).get(at)
  expect(status?.restarts).toBe(status?.conditions?.length)
  expect(status?.conditions?.map(({ type }) => type)).toContain('DisruptionTarget')
})

it('writes nothing into another task of the same name', async () => {
  const old = await create()
  await admin.of(Task).mergePatch(at, { metadata: { finalizers: null } })
  await admin.of(Task).delete(at)
  const next = await create()
  reporter.report(old, restarts(7))
  await reporter.flushed()
  expect(next.metadata.uid).not.toBe(old.metadata.uid)
  expect((await admin.of(Task).get(at)).status?.restarts).toBeUndefined()
})

it('gives up when the task is gone', async () => {
  const old = await create()
  await admin.of(Task).mergePatch(at, { metadata: { finalizers: null } })
  await admin.of(Task).delete(at)
  reporter.report(old, restarts(7))
  await reporter.flushed()
  expect(written).toEqual([])
})
