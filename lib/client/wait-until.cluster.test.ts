import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isForbidden } from '../api/api-error.js'
import { Task } from '../api/kinds/task.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import type { Client } from './client.js'
import { createClient } from './create-client.js'
import { waitUntil } from './wait-until.js'

let cluster: TestCluster
let client: Client
beforeAll(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
})
afterAll(async () => {
  await client.close()
  await cluster.close()
})

const at = { namespace: 'default', name: 'hello' }
const never = () => AbortSignal.timeout(90_000)

describe('waiting for an object', () => {
  it('resolves with the state that was waited for, through creation, change and deletion', async () => {
    const tasks = client.of(Task)
    const created = waitUntil(client, Task, at, (task) => task !== undefined, never())
    await tasks.create({ metadata: at, spec: { image: 'busybox' } })
    expect((await created)?.metadata.name).toBe('hello')
    const running = waitUntil(client, Task, at, (task) => task?.status?.phase === 'Running', never())
    await tasks.mergePatch(at, { status: { phase: 'Running' } }, { subresource: 'status' })
    expect((await running)?.status?.phase).toBe('Running')
    const gone = waitUntil(client, Task, at, (task) => task === undefined, never())
    await tasks.delete(at)
    expect(await gone).toBeUndefined()
  })

  it('resolves at once for what is so already, absence included', async () => {
    expect(await waitUntil(client, Task, { namespace: 'default', name: 'absent' }, (task) => task === undefined, never())).toBeUndefined()
  })

  it('rejects when its signal aborts, when the predicate throws, and when it may not look', async () => {
    const stop = new AbortController()
    const waiting = waitUntil(client, Task, at, () => false, stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const throwing = () => {
      throw new Error('no good')
    }
    await expect(waitUntil(client, Task, at, throwing, never())).rejects.toThrow('no good')
    const nobody = createClient(await cluster.configOf('nobody'))
    await expect(waitUntil(nobody, Task, at, () => true, never())).rejects.toSatisfy(isForbidden)
    await nobody.close()
  })
})
