import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lease, streamNamespace } from '../../lib/api/kinds/lease.js'
import { printAnnouncement } from '../../lib/api/stream-announcement.js'
import { silentLogger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type DialEvents, followGateways } from './follow-gateways.js'

/** One call of `dial`, until its signal aborts. */
interface Dialled {
  readonly server: string
  readonly events: DialEvents
  ended: boolean
}

let cluster: TestCluster
let client: Client
let dialled: Dialled[]
let stop: () => Promise<void>

beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(await cluster.configOf('system:node:n1', ['system:nodes']))
  dialled = []
})
afterEach(async () => {
  await stop()
  await client.close()
  await cluster.close()
})

function follow(silentAfterMs = 60_000): void {
  const stopping = new AbortController()
  const running = followGateways(
    {
      client,
      log: silentLogger,
      silentAfterMs,
      dial: ({ server }, events, signal) => {
        const call: Dialled = { server, events, ended: false }
        dialled.push(call)
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            call.ended = true
            resolve()
          }),
        )
      },
    },
    stopping.signal,
  )
  stop = async () => {
    stopping.abort()
    await running
  }
}

const leases = () => cluster.client.of(Lease)
const at = (name: string) => ({ namespace: streamNamespace, name })
const announce = (name: string, server: string, ca = 'PEM') =>
  leases().create({ metadata: { ...at(name), annotations: printAnnouncement({ server, ca }) }, spec: { holderIdentity: name } })
const renew = (name: string, second: number) =>
  leases().mergePatch(at(name), { spec: { renewTime: `2026-01-01T00:00:0${second}.000000Z` } })
const open = () => dialled.filter(({ ended }) => !ended).map(({ server }) => server)

describe('an agent', () => {
  it('keeps one connection to each announced gateway, and leaves one whose Lease goes', async () => {
    await announce('a', 'https://a:1')
    follow()
    await eventually(() => expect(open()).toEqual(['https://a:1']))
    await announce('b', 'https://b:1')
    await leases().create({ metadata: at('elected'), spec: { holderIdentity: 'x' } })
    await eventually(() => expect(open()).toEqual(['https://a:1', 'https://b:1']))
    await leases().delete(at('a'))
    await eventually(() => expect(open()).toEqual(['https://b:1']))
    await renew('b', 1)
    await announce('c', 'https://c:1')
    await eventually(() => expect(open()).toEqual(['https://b:1', 'https://c:1']))
    expect(dialled).toHaveLength(3)
    await stop()
    expect(open()).toEqual([])
  })

  it.each<[string, object]>([
    ['another address', { server: 'https://a:2', ca: 'PEM' }],
    ['another certificate', { server: 'https://a:1', ca: 'ANOTHER' }],
  ])('dials a gateway anew at once when it comes again with %s', async (_case, announcement) => {
    await announce('a', 'https://a:1')
    follow()
    await eventually(() => expect(open()).toHaveLength(1))
    await leases().mergePatch(at('a'), { metadata: { annotations: printAnnouncement(announcement as { server: string; ca: string }) } })
    await eventually(() => expect(dialled.map(({ ended }) => ended)).toEqual([true, false]))
  })

  it('keeps a standing connection to a silent gateway, and dials no more for it when that breaks, until the Lease is renewed', async () => {
    await announce('a', 'https://a:1')
    await announce('b', 'https://b:1')
    follow(50)
    await eventually(() => expect(dialled).toHaveLength(2))
    dialled.find(({ server }) => server === 'https://a:1')?.events.onConnected()
    await eventually(() => expect(open()).toEqual(['https://a:1']))
    dialled.find(({ server }) => server === 'https://a:1')?.events.onDisconnected(new Error('cut'))
    await eventually(() => expect(open()).toEqual([]))
    await renew('a', 1)
    await eventually(() => expect(dialled.map(({ server }) => server).slice(2)).toEqual(['https://a:1']))
  })
})
