import { afterEach, beforeEach, expect, it } from 'vitest'
import { Lease, streamNamespace } from '../../lib/api/kinds/lease.js'
import { silentLogger } from '../../lib/base/log.js'
import { createClient } from '../../lib/client/create-client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { GatewayNameTaken, StreamLease } from './stream-lease.js'

let cluster: TestCluster
const ending: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  cluster = await testCluster()
})
afterEach(async () => {
  await Promise.all(ending.splice(0).map((end) => end()))
  await cluster.close()
})

async function start(server: string) {
  const client = createClient(await cluster.configOf('system:gateway'))
  const stopping = new AbortController()
  const lease = new StreamLease({ client, clock: cluster.clock, log: silentLogger, name: 'gw', announcement: { server, ca: 'PEM' } })
  const ended = lease.run(stopping.signal).catch((error: unknown) => error)
  ending.push(async () => {
    stopping.abort()
    await ended
    await client.close()
  })
  await eventually(() => lease.isAnnounced)
  return { ended }
}

const at = { namespace: streamNamespace, name: 'gw' }
const stored = () => cluster.client.of(Lease).get(at)

it('is renewed every ten seconds, and made again when somebody removes it', async () => {
  await start('https://a:1')
  const first = (await stored()).spec
  expect(first).toMatchObject({ leaseDurationSeconds: 40, renewTime: '2026-01-01T00:00:00.000000Z' })
  await cluster.clock.advance(10_000)
  await eventually(async () =>
    expect((await stored()).spec).toMatchObject({ acquireTime: first.acquireTime, renewTime: '2026-01-01T00:00:10.000000Z' }),
  )
  await cluster.client.of(Lease).delete(at)
  await eventually(async () => {
    await cluster.clock.advance(2_000)
    return (await stored()).spec.holderIdentity === first.holderIdentity
  })
})

it('is taken over by the next gateway of the name at once; the one that loses it ends and leaves it alone', async () => {
  const { ended } = await start('https://a:1')
  await start('https://b:1')
  await cluster.clock.advance(10_000)
  expect(await ended).toBeInstanceOf(GatewayNameTaken)
  expect((await stored()).metadata.annotations).toMatchObject({ 'millrace.dev/stream-server': 'https://b:1' })
})
