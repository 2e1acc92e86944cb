import { describe, expect, it } from 'vitest'
import { Event } from '../../lib/api/kinds/event.js'
import { testCluster } from '../../lib/testing/test-cluster.js'
import { send } from '../http/fixtures/requests.js'
import type { AdmissionReview } from './admit.js'
import { admitEventCount } from './event-count.js'

const events = '/api/v1/namespaces/default/events'
const event = (name: string, rest: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name },
  involvedObject: { kind: 'Task', namespace: 'default', name: 'a' },
  ...rest,
})

describe('how many Events there may be', () => {
  it('is bounded in a namespace and from a host, and deleted ones count no more', async () => {
    await using cluster = await testCluster()
    const admit = admitEventCount(cluster.store, { inNamespace: 3, fromHost: 2 })
    const judge = (host: string, namespace = 'default') => {
      const object = { ...event('next', { source: { host } }), metadata: { name: 'next', namespace } }
      const review = { operation: 'create', kind: Event, namespace, name: 'next', object } as unknown as AdmissionReview
      try {
        return admit(review)
      } catch (error) {
        return (error as Error).message
      }
    }
    await send(cluster, 'POST', events, { body: event('before', { source: { host: 'n1' } }) })
    expect(judge('n1')).toBeUndefined()
    await send(cluster, 'POST', events, { body: event('second', { source: { host: 'n1' } }) })
    expect(judge('n1')).toContain('exceeded quota: there are 2 events from n1')
    expect(judge('n2')).toBeUndefined()
    await send(cluster, 'PATCH', `${events}/second`, { body: { source: { host: 'n3' } } })
    expect(judge('n1')).toBeUndefined()
    await send(cluster, 'POST', events, { body: event('third') })
    expect(judge('n2')).toContain('exceeded quota: the namespace default holds 3 events')
    expect(judge('n2', 'other')).toBeUndefined()
    await send(cluster, 'DELETE', `${events}/third`)
    expect(judge('n2')).toBeUndefined()
  })

  it('leaves other kinds and updates alone', async () => {
    await using cluster = await testCluster()
    const admit = admitEventCount(cluster.store, { inNamespace: 0, fromHost: 0 })
    expect(admit({ operation: 'update', kind: Event, object: {} } as unknown as AdmissionReview)).toBeUndefined()
    expect(admit({ operation: 'create', kind: { group: '', plural: 'secrets' }, object: {} } as unknown as AdmissionReview)).toBeUndefined()
  })
})

describe('the Events of a node', () => {
  const user = 'system:node:n1,system:nodes'
  const own = (name: string, message = '') => ({
    ...event(name, { message, source: { component: 'x', host: 'n1' } }),
    involvedObject: { kind: 'Node', name: 'n1' },
  })

  it('are put off with 429 when it writes very many, until time has passed', async () => {
    await using cluster = await testCluster()
    const write = (name: string) => send(cluster, 'POST', events, { body: own(name), user })
    await send(cluster, 'POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }, user })
    for (let n = 0; n < 500; n += 100) {
      const codes = await Promise.all(Array.from({ length: 100 }, (_, index) => write(`e${n + index}`)))
      expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([201]))
    }
    const late = await write('late')
    expect(late).toMatchObject({ code: 429, json: { reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } } })
    expect(late.headers.get('retry-after')).toBe('1')
    expect((await send(cluster, 'PATCH', `${events}/e1`, { body: { count: 2 }, user })).code).toBe(429)
    await cluster.clock.advance(1_000)
    expect((await write('late')).code).toBe(201)
  })

  it('are small', async () => {
    await using cluster = await testCluster()
    const answer = await send(cluster, 'POST', events, { body: own('big', 'x'.repeat(33_000)), user })
    expect(answer).toMatchObject({ code: 413, json: { reason: 'RequestEntityTooLarge' } })
  })
})
