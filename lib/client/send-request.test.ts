import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ApiError, isConflict } from '../api/api-error.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { type Client, ConnectionError } from './client.js'
import { type CreateClientOptions, createClient } from './create-client.js'
import { type ScriptedServer, type SeenRequest, sendJson, sendStatus, startScriptedServer } from './test/scripted-server.js'

type Step = (response: ServerResponse, request: SeenRequest) => void

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A server that answers the first request by the first step, and so on; the last step stays. */
async function answering(steps: Step[], options: CreateClientOptions = {}): Promise<{ server: ScriptedServer; client: Client }> {
  let at = 0
  const server = await startScriptedServer((request, response) => steps[Math.min(at++, steps.length - 1)]?.(response, request))
  const client = createClient({ server: server.url, namespace: 'team' }, options)
  closing.push(() => client.close(), server.close)
  return { server, client }
}

const ok: Step = (response) => sendJson(response, 200, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } })
const reset: Step = (response) => response.socket?.destroy()
const refuse = (code: number, reason: string, retryAfter?: string): Step => {
  return (response) => {
    if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter)
    sendStatus(response, code, reason, reason)
  }
}
const get = (client: Client) => client.of(ConfigMap).get({ name: 'a' })
const create = (client: Client) => client.of(ConfigMap).create({ metadata: { name: 'a' } })

describe('a request', () => {
  it('that reads is sent once more when its connection breaks, and no further', async () => {
    const once = await answering([reset, ok])
    expect((await get(once.client)).metadata.name).toBe('a')
    const always = await answering([reset])
    await expect(get(always.client)).rejects.toBeInstanceOf(ConnectionError)
    expect(always.server.requests).toHaveLength(2)
  })

  it('that writes is never sent again when its outcome is unknown', async () => {
    const { server, client } = await answering([reset, ok])
    await expect(create(client)).rejects.toBeInstanceOf(ConnectionError)
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['GET', 429, get, 2],
    ['GET', 503, get, 2],
    ['POST', 429, create, 2],
    ['POST', 503, create, 1],
  ] as const)('%s that is put off by %i is sent again only if the server cannot have acted', async (_method, code, send, times) => {
    const { server, client } = await answering([refuse(code, 'TooManyRequests', '0'), ok])
    await send(client).catch(() => {})
    expect(server.requests).toHaveLength(times)
  })

  it('that is put off without a time, or beyond its deadline, is answered at once', async () => {
    const without = await answering([refuse(503, 'ServiceUnavailable')])
    await expect(get(without.client)).rejects.toMatchObject({ code: 503, reason: 'ServiceUnavailable' })
    const late = await answering([refuse(429, 'TooManyRequests', '60')], { timeoutMs: 1_000 })
    await expect(get(late.client)).rejects.toMatchObject({ code: 429 })
    expect(late.server.requests).toHaveLength(1)
  })

  it('that is put off for ever ends after ten tries', async () => {
    const { server, client } = await answering([refuse(429, 'TooManyRequests', '0')])
    await expect(get(client)).rejects.toMatchObject({ code: 429 })
    expect(server.requests).toHaveLength(10)
  })

  it('waits for a server that said it would be back', async () => {
    const { server, client } = await answering([refuse(503, 'ServiceUnavailable', '1'), ok])
    const answered = get(client)
    await expect.poll(() => server.requests.length).toBe(1)
    await server.stop()
    setTimeout(() => void server.restart(), 1_300)
    expect((await answered).metadata.name).toBe('a')
  })

  it('fails with a sentence when nothing listens', async () => {
    const { server, client } = await answering([ok])
    await server.stop()
    await expect(get(client)).rejects.toThrow(`nothing listens at ${server.url}: is the cluster started?`)
    await server.restart()
  })

  it('has a deadline, for the head and for the body', async () => {
    const silent = await answering([() => {}], { timeoutMs: 50 })
    await expect(get(silent.client)).rejects.toThrow('did not answer GET')
    const stuck = await answering([(response) => void response.writeHead(200).write('{')], { timeoutMs: 1_000 })
    await expect(get(stuck.client)).rejects.toThrow('did not finish its answer in time')
  })

  it('ends when its signal aborts, with the reason of the signal', async () => {
    const { client } = await answering([() => {}])
    const stop = new AbortController()
    const asked = client.of(ConfigMap).get({ name: 'a' }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await expect(client.of(ConfigMap).get({ name: 'a' }, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
  })

  it('that is cut off in the middle of the answer is a ConnectionError', async () => {
    const { client } = await answering([(response) => response.writeHead(200).write('{"kind":', () => response.destroy())])
    await expect(get(client)).rejects.toThrow('broke in the middle of an answer')
  })

  it('gives an error with the Status of the server, or with a piece of what a proxy said', async () => {
    const status = await answering([refuse(409, 'Conflict')])
    await expect(create(status.client)).rejects.toSatisfy(isConflict)
    const proxy = await answering([(response) => void response.writeHead(502).end('<html>\n Bad   gateway</html>')])
    const error = await get(proxy.client).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ code: 502, message: 'the server answered with code 502: <html> Bad gateway</html>' })
  })

  it('goes to the namespace of the context when it names none', async () => {
    const { server, client } = await answering([ok])
    await get(client)
    await create(client)
    await client.of(ConfigMap).get({ namespace: 'other', name: 'a/b' })
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/api/v1/namespaces/team/configmaps/a',
      '/api/v1/namespaces/team/configmaps',
      '/api/v1/namespaces/other/configmaps/a%2Fb',
    ])
  })

  it('keeps integers beyond 2^53 exact, both ways', async () => {
    const big = 9007199254740993n
    const { client } = await answering([
      (response, { body }) => void response.writeHead(200).end(body.replace('"kind":', `"generation":${big},"kind":`)),
    ])
    const map = await client.of(ConfigMap).create({ metadata: { name: 'a', generation: big as unknown as number } })
    expect(map).toMatchObject({ generation: big, metadata: { generation: big } })
  })

  it('passes on the warnings of the server', async () => {
    const warnings: string[] = []
    const warn: Step = (response) => {
      response.setHeader('warning', ['299 - "first \\"quoted\\""', '299 - "second"'])
      ok(response, undefined as never)
    }
    const { client } = await answering([warn], { onWarning: (text) => warnings.push(text) })
    await get(client)
    expect(warnings).toEqual(['first "quoted"', 'second'])
  })

  it('says who asks', async () => {
    const { server } = await answering([ok])
    const client = createClient({ server: server.url, token: 'abc' }, { userAgent: 'test/1' })
    await get(client)
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer abc', 'user-agent': 'test/1' })
    await client.close()
    await expect(get(client)).rejects.toThrow('is closed')
  })
})
