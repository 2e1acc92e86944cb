import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Kind } from '../../api/define-kind.js'
import { Task } from '../../api/kinds/task.js'
import { eventually } from '../../testing/eventually.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { createInformer } from '../informer/informer.js'
import { ScriptedCluster } from '../test/scripted-cluster.js'
import { type ScriptedServer, sendStatus, startScriptedServer } from '../test/scripted-server.js'
import { type FollowSink, followResources } from './follow-resources.js'

const kind = Task as unknown as Kind
const ignore: FollowSink = { begin() {}, change() {}, complete() {}, progress() {} }

let closing: (() => Promise<void>)[]
let stop: AbortController
beforeEach(() => {
  closing = []
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  for (const close of closing) await close()
})

function clientOf(server: ScriptedServer): Client {
  const client = createClient({ server: server.url })
  closing.push(() => client.close(), server.close)
  return client
}

/** The first pauses between attempts, with no luck: each is the longest that the back-off allows. */
async function pauses(client: Client, count: number): Promise<number[]> {
  const seen: number[] = []
  const onFailure = (_failure: unknown, pauseMs: number) => {
    seen.push(pauseMs)
    if (seen.length === count) stop.abort()
  }
  await followResources(client, [{ kind }], ignore, {
    signal: stop.signal,
    backoff: { initialMs: 1, maxMs: 20, random: () => 1 },
    onFailure,
  })
  return seen
}

describe('following resources', () => {
  it('pauses longer with each refusal, up to a bound', async () => {
    const server = await startScriptedServer((_request, response) => sendStatus(response, 500, 'InternalError', 'broken'))
    expect(await pauses(clientOf(server), 7)).toEqual([1, 2, 4, 8, 16, 20, 20])
    expect(server.requests).toHaveLength(7)
  })

  it('pauses longer when a server takes each stream and drops it at once', async () => {
    const server = await startScriptedServer(
      (_request, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n'),
    )
    expect(await pauses(clientOf(server), 6)).toEqual([1, 2, 4, 8, 16, 20])
  })

  it('pauses longer when each new state is told to have expired', async () => {
    const server = await startScriptedServer((_request, response) => sendStatus(response, 410, 'Expired', 'too old'))
    expect(await pauses(clientOf(server), 5)).toEqual([1, 2, 4, 8, 16])
  })

  it('adds what the server told it to wait', async () => {
    const details = { retryAfterSeconds: 0.05 }
    const server = await startScriptedServer((_request, response) => {
      response.writeHead(429, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ kind: 'Status', reason: 'TooManyRequests', code: 429, details }))
    })
    expect(await pauses(clientOf(server), 2)).toEqual([51, 52])
  })

  it('survives events that are no JSON', async () => {
    const server = await startScriptedServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ADDED\ndata: {"a"\n\n')
    })
    const failures: unknown[] = []
    const following = followResources(clientOf(server), [{ kind }], ignore, {
      signal: stop.signal,
      backoff: { initialMs: 1, maxMs: 1 },
      onFailure: (failure) => failures.push(failure),
    })
    await eventually(() => failures.length >= 2)
    expect(String(failures[0])).toContain('a watch event that is no JSON')
    stop.abort()
    await following
  })

  it('makes no storm: a hundred followers of a restarted server come back spread out, each a few times', async () => {
    const cluster = new ScriptedCluster()
    const server = await cluster.start()
    const client = clientOf(server)
    cluster.set('a')
    const followers = Array.from({ length: 100 }, () => createInformer(client, kind))
    const pausesMs: number[] = []
    for (const follower of followers) {
      void follower.start(stop.signal, {
        backoff: { initialMs: 400, maxMs: 15_000 },
        onFailure: (_failure, pauseMs) => pausesMs.push(pauseMs),
      })
    }
    await Promise.all(followers.map((follower) => follower.synced()))
    await server.stop()
    await eventually(() => pausesMs.length >= 100)
    const before = server.requests.length
    await server.restart()
    const { metadata } = cluster.set('b')
    await Promise.all(followers.map((follower) => follower.seen(metadata.resourceVersion)))
    expect(server.requests.length - before).toBe(100)
    // Refused attempts while nothing listened come on top, and are few.
    expect(pausesMs.length).toBeLessThan(400)
    const inTenths = new Set(pausesMs.slice(0, 100).map((pauseMs) => Math.floor(pauseMs / 40)))
    expect(inTenths.size).toBeGreaterThan(5)
  })
})
