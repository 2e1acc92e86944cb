import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Event } from '../../api/kinds/event.js'
import { Node } from '../../api/kinds/node.js'
import { Task } from '../../api/kinds/task.js'
import { eventually } from '../../testing/eventually.js'
import { type TestCluster, testCluster } from '../../testing/test-cluster.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { startFlakyProxy } from '../test/flaky-proxy.js'
import { createEventRecorder } from './event-recorder.js'

let cluster: TestCluster
let client: Client
let task: Task
beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
  task = await client.of(Task).create({ metadata: { namespace: 'default', name: 'hello' }, spec: { image: 'busybox' } })
})
afterEach(async () => {
  await client.close()
  await cluster.close()
})

const recorder = (from: Client = client) => createEventRecorder({ client: from, component: 'tester', instance: 'n1', clock: cluster.clock })
const events = async () => (await client.of(Event).list({ namespace: 'default' })).items

describe('an event recorder', () => {
  it('writes what was seen, about whom and by whom', async () => {
    const recording = recorder()
    recording.record(task, 'Warning', 'Refused', 'does not fit')
    await recording.flush()
    const [event] = await events()
    expect(event).toMatchObject({
      involvedObject: { apiVersion: 'millrace.dev/v1', kind: 'Task', namespace: 'default', name: 'hello', uid: task.metadata.uid },
      type: 'Warning',
      reason: 'Refused',
      message: 'does not fit',
      source: { component: 'tester', host: 'n1' },
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
    })
    expect(event?.metadata.name).toMatch(/^hello\.[0-9a-f]{16}$/)
  })

  it('counts what recurs on one Event, in a later life too, with the right to write Events and none to read them', async () => {
    const writer = createClient(await cluster.configOf('system:scheduler'))
    await expect(writer.of(Event).list({ namespace: 'default' })).rejects.toMatchObject({ reason: 'Forbidden' })
    const first = recorder(writer)
    for (let n = 0; n < 5; n++) first.record(task, 'Normal', 'Tried', 'again')
    await first.flush()
    await cluster.clock.advance(60_000)
    first.record(task, 'Normal', 'Tried', 'again')
    await first.flush()
    expect(await events()).toMatchObject([{ count: 6, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:01:00Z' }])
    const second = recorder(writer)
    second.record(task, 'Normal', 'Tried', 'again')
    second.record(task, 'Normal', 'Tried', 'something else')
    await second.flush()
    await writer.close()
    expect((await events()).map(({ message, count }) => [message, count]).sort()).toEqual([
      ['again', 7],
      ['something else', 1],
    ])
  })

  it('loses no count to another program of the same name that writes on the same Event', async () => {
    const both = [recorder(), recorder()]
    for (let n = 0; n < 3; n++) {
      for (const recording of both) recording.record(task, 'Normal', 'Tried', 'again')
      await Promise.all(both.map((recording) => recording.flush()))
    }
    expect(await events()).toMatchObject([{ count: 6 }])
  })

  it('begins anew when its Event has gone', async () => {
    const recording = recorder()
    recording.record(task, 'Normal', 'Tried', 'again')
    await recording.flush()
    for (const event of await events()) await client.of(Event).delete(event.metadata)
    recording.record(task, 'Normal', 'Tried', 'again')
    await recording.flush()
    expect(await events()).toHaveLength(1)
  })

  it('puts Events about cluster-scoped objects into default', async () => {
    const node = await client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    const recording = recorder()
    recording.record(node, 'Normal', 'Ready', 'is there')
    await recording.flush()
    expect(await events()).toMatchObject([{ involvedObject: { kind: 'Node', name: 'n1' } }])
  })

  it('writes at most 25 different Events about one object, then one in five minutes', async () => {
    const recording = recorder()
    for (let n = 0; n < 40; n++) recording.record(task, 'Normal', 'Noise', `number ${n}`)
    await recording.flush()
    expect(await events()).toHaveLength(25)
    await cluster.clock.advance(300_000)
    for (let n = 40; n < 50; n++) recording.record(task, 'Normal', 'Noise', `number ${n}`)
    await recording.flush()
    expect(await events()).toHaveLength(26)
  })

  it('tries again while the server is away, and drops what it cannot write without a word to the caller', async () => {
    const proxy = await startFlakyProxy(cluster.url)
    const away = createClient({ ...cluster.admin, server: proxy.url })
    await proxy.stop()
    const recording = recorder(away)
    recording.record(task, 'Normal', 'Tried', 'in vain')
    const flushed = recording.flush()
    await eventually(() => cluster.clock.timers > 0)
    await proxy.restart()
    await eventually(async () => {
      await cluster.clock.advance(1_000)
      return (await events()).length === 1
    })
    await flushed

    const nobody = createClient(await cluster.configOf('nobody'))
    const forbidden = recorder(nobody)
    forbidden.record(task, 'Normal', 'Tried', 'and refused')
    await forbidden.flush()
    expect(await events()).toHaveLength(1)
    await Promise.all([away.close(), nobody.close(), proxy.close()])
  })

  it('waits for no server when it is closed: not to try again later, and not for an answer that does not come', async () => {
    const proxy = await startFlakyProxy(cluster.url)
    const away = createClient({ ...cluster.admin, server: proxy.url })
    await proxy.stop()
    const refused = recorder(away)
    for (let n = 0; n < 10; n++) refused.record(task, 'Normal', 'Tried', `number ${n}`)
    await eventually(() => cluster.clock.timers > 0)
    // Time stands still.
    await refused.close()

    await proxy.restart()
    proxy.stall()
    const { accepted } = proxy
    const stalled = recorder(away)
    stalled.record(task, 'Normal', 'Tried', 'without an answer')
    await eventually(() => proxy.accepted > accepted)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const closed = stalled.close()
    vi.advanceTimersByTime(5_000)
    vi.useRealTimers()
    await closed
    expect(await events()).toEqual([])
    await Promise.all([away.close(), proxy.close()])
  })
})
