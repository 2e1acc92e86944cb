import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { Lease, nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { silentLogger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { Heartbeat, NodeTakenError } from './heartbeat.js'

let cluster: TestCluster
let client: Client
let clock: ManualClock
let ending: AbortController
let started: Promise<void>[]
const at = { namespace: nodeLeaseNamespace, name: 'n1' }

beforeAll(async () => {
  cluster = await testCluster()
  client = createClient(await cluster.configOf('system:node:n1', ['system:nodes']))
})
afterAll(async () => {
  await client.close()
  await cluster.close()
})
beforeEach(() => {
  clock = new ManualClock()
  ending = new AbortController()
  started = []
})
afterEach(async () => {
  ending.abort()
  // A renewal under way would make the Lease anew.
  await Promise.allSettled(started)
  const admin = createClient(cluster.admin)
  await admin.of(Lease).delete(at)
  await admin.close()
})

const start = (identity: string, signal = ending.signal, leaseMs?: number) => {
  const heartbeat = new Heartbeat({ client, clock, log: silentLogger, nodeName: 'n1', identity, leaseMs })
  const running = heartbeat.run(signal)
  running.catch(() => {})
  started.push(running)
  let claimed = false
  void heartbeat.claimed.then(() => {
    claimed = true
  })
  return { running, heartbeat, isClaimed: () => claimed }
}
const lease = () => client.of(Lease).get(at)
/** Moves time on in small steps, so that requests between timers get their answers. */
const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 1000) {
    await clock.advance(1000)
    await client.of(Lease).get(at)
  }
}

it('renews the Lease every ten seconds, in the name of the node', async () => {
  const { heartbeat } = start('agent-1')
  await heartbeat.claimed
  const first = await lease()
  expect(first.spec).toMatchObject({ holderIdentity: 'n1', leaseDurationSeconds: 40 })
  await clock.advance(10_000)
  await eventually(async () => expect((await lease()).spec.renewTime).not.toBe(first.spec.renewTime))
})

it('renews a shorter Lease as many times before it runs out', async () => {
  const { heartbeat } = start('agent-1', ending.signal, 8_000)
  await heartbeat.claimed
  const first = await lease()
  expect(first.spec).toMatchObject({ leaseDurationSeconds: 8 })
  await clock.advance(2_000)
  await eventually(async () => expect((await lease()).spec.renewTime).not.toBe(first.spec.renewTime))
})

it('goes on at once with the Lease that the same agent had', async () => {
  await start('agent-1').heartbeat.claimed
  ending.abort()
  ending = new AbortController()
  await start('agent-1').heartbeat.claimed
})

it('another agent waits while the first renews, and takes the node after 40 s of its silence', async () => {
  const silence = new AbortController()
  const first = start('agent-1', silence.signal)
  await first.heartbeat.claimed
  const second = start('agent-2')
  await pass(60_000)
  expect(second.isClaimed()).toBe(false)
  silence.abort()
  await pass(30_000)
  expect(second.isClaimed()).toBe(false)
  await pass(20_000)
  await eventually(() => expect(second.isClaimed()).toBe(true))
  expect((await lease()).metadata.annotations).toEqual({ 'millrace.dev/agent': 'agent-2' })
})

it('an agent whose node was taken ends with a sentence', async () => {
  const mine = start('agent-1')
  await mine.heartbeat.claimed
  const current = await lease()
  await client.of(Lease).update({ ...current, metadata: { ...current.metadata, annotations: { 'millrace.dev/agent': 'agent-2' } } })
  await clock.advance(10_000)
  await expect(mine.running).rejects.toThrow(NodeTakenError)
  await expect(mine.running).rejects.toThrow('another agent (agent-2) acts as node n1 now')
})

it('a Lease that somebody deleted is made again', async () => {
  const mine = start('agent-1')
  await mine.heartbeat.claimed
  const admin = createClient(cluster.admin)
  await admin.of(Lease).delete(at)
  await admin.close()
  await clock.advance(10_000)
  await eventually(async () => expect((await lease()).spec.holderIdentity).toBe('n1'))
})
