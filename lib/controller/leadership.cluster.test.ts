import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Lease } from '../api/kinds/lease.js'
import { Task } from '../api/kinds/task.js'
import { silentLogger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { electLeader } from '../client/election/elect-leader.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { controller } from './controller.js'
import { startControllers } from './start-controllers.js'

let cluster: TestCluster
let client: Client
const stop = new AbortController()

beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
})
afterEach(async () => {
  stop.abort()
  await client.close()
  await cluster.close()
})

describe('a controller that leads no longer', () => {
  it('writes nothing more, whatever its pass still means to do, and the next leader finishes', async () => {
    const at = { namespace: 'default', name: 'test' }
    const gates: (() => void)[] = []
    const refused: string[] = []
    let leading: AbortSignal | undefined
    /** Makes what is missing, one at a time, each when the test lets it. */
    const lead = (leader: string) => {
      const declared = controller({
        name: 'test',
        for: Task,
        owns: [ConfigMap],
        async reconcile(task, ctx) {
          for (const part of ['one', 'two'])
            try {
              if (!stop.signal.aborted) await new Promise<void>((open) => gates.push(open))
              await ctx.apply(ConfigMap, { metadata: { name: `${task.metadata.name}-${part}` }, data: { leader } })
            } catch (error) {
              refused.push(`${leader} ${part} ${(error as Error).message}`)
            }
        },
      })
      return electLeader(
        {
          client,
          clock: cluster.clock,
          ...at,
          identity: leader,
          onStarted: (signal) => {
            leading = signal
            return startControllers([declared], { client, clock: cluster.clock, log: silentLogger }, signal).finished
          },
        },
        stop.signal,
      )
    }
    const open = async () => {
      await eventually(() => gates.length > 0)
      gates.shift()?.()
    }
    const made = async () =>
      (await client.of(ConfigMap).list({ namespace: 'default' })).items
        .filter(({ metadata }) => metadata.ownerReferences)
        .map(({ metadata, data }) => `${metadata.name} by ${data?.leader}`)

    await client.of(Task).create({ metadata: { namespace: 'default', name: 'a' }, spec: { image: 'busybox' } })
    const first = lead('first')
    await open()
    await eventually(async () => expect(await made()).toEqual(['a-one by first']))
    await eventually(() => gates.length === 1)

    // Somebody takes the Lease; the leader learns of it when it renews.
    await client.of(Lease).mergePatch(at, { spec: { holderIdentity: 'somebody' } })
    await eventually(async () => {
      await cluster.clock.advance(1_000)
      return leading?.aborted ?? false
    })
    await open()
    await eventually(() => expect(refused).toEqual(['first two the Lease test was lost']))
    expect(await made()).toEqual(['a-one by first'])

    // Somebody is gone: whoever leads next does the rest.
    await client.of(Lease).delete(at)
    const second = lead('second')
    for (let turn = 0; turn < 2; turn++)
      await eventually(async () => {
        await cluster.clock.advance(3_000)
        return gates.length > 0
      }).then(open)
    await eventually(async () => expect(await made()).toHaveLength(2))
    stop.abort()
    for (const gate of gates) gate()
    await Promise.all([first, second])
  })
})
