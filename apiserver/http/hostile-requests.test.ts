import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { aTask, send, tasks } from './fixtures/requests.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

/** As JSON can say it: what String() and Number() fail on. */
const textless = { toString: 1, valueOf: 1 }

describe('a continue token that somebody made', () => {
  it.each([
    ['a revision that is an object', { v: 'meta.k8s.io/v1', rv: textless, start: 'default/a' }],
    ['a revision that is a list', { v: 'meta.k8s.io/v1', rv: [2], start: 'default/a' }],
    ['a revision that is true', { v: 'meta.k8s.io/v1', rv: true, start: 'default/a' }],
    ['no key', { v: 'meta.k8s.io/v1', rv: 2, start: textless }],
    ['another version', { v: textless, rv: 2, start: 'default/a' }],
    ['nothing', null],
    ['less than nothing that remains', { v: 'meta.k8s.io/v1', rv: 2, start: 'default/a', remaining: -5 }],
    ['a text for what remains', { v: 'meta.k8s.io/v1', rv: 2, start: 'default/a', remaining: '5' }],
  ])('is refused: %s', async (_what, token) => {
    const text = Buffer.from(JSON.stringify(token)).toString('base64url')
    const answer = await send(cluster, 'GET', `${tasks}?limit=1&continue=${text}`)
    expect(answer.code).toBe(400)
    expect(answer.json.message).toMatch(/^continue key is not valid/)
  })
})

describe('options of a delete that are none', () => {
  it.each([
    ['a kind that is an object', { kind: textless }],
    ['a period that is an object', { gracePeriodSeconds: textless }],
    ['a period that is a text', { gracePeriodSeconds: '5' }],
    ['a period beyond every integer', '{"gracePeriodSeconds":99999999999999999999}'],
  ])('are refused: %s', async (_what, body) => {
    expect(await send(cluster, 'DELETE', `${tasks}/a`, { body })).toMatchObject({ code: 400 })
  })
})

describe('a continue token that counts too few', () => {
  it('says of what remains at least what was found', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await send(cluster, 'POST', tasks, { body: aTask(name) })
    const { v, rv, start } = JSON.parse(
      Buffer.from((await send(cluster, 'GET', `${tasks}?limit=1`)).json.metadata.continue, 'base64url').toString(),
    )
    const forged = Buffer.from(JSON.stringify({ v, rv, start, remaining: 0 })).toString('base64url')
    const page = await send(cluster, 'GET', `${tasks}?limit=1&continue=${forged}`)
    expect(page.json.metadata.remainingItemCount).toBeGreaterThan(0)
  })
})

describe('a connection', () => {
  const open = () => {
    const socket = connect(Number(new URL(cluster.url).port), '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    return { socket, closed: once(socket, 'close').then(() => text), text: () => text }
  }

  it('that brings no HTTP gets a Status', async () => {
    const { socket, closed } = open()
    socket.write('nonsense\r\n\r\n')
    expect(await closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*"kind":"Status"/)
  })

  it('on which a watch goes on is cut by what is no HTTP: nothing is written into the watch', async () => {
    const { socket, closed, text } = open()
    socket.write(`GET ${tasks}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n`)
    await eventually(() => text().includes('200 OK'))
    socket.write('nonsense\r\n\r\n')
    expect((await closed).match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it.each([
    ['a wrong key', 'Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13'],
    ['another version', 'Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\nSec-WebSocket-Version: 99'],
  ])('that asks for a WebSocket with %s gets a Status', async (_what, headers) => {
    const { socket, closed } = open()
    socket.write(`GET ${tasks}?watch=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n\r\n`)
    expect(await closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*application\/json[\s\S]*"kind":"Status".*Sec-WebSocket-/)
  })
})

it('a path that is forbidden is named', async () => {
  const answer = await send(cluster, 'GET', '/metrics', { user: 'nobody' })
  expect(answer).toMatchObject({ code: 403, json: { message: 'forbidden: User "nobody" cannot get path "/metrics"' } })
})

it('an object that is wrong in several ways is told of all that can be judged', async () => {
  const body = aTask('bad', { restartPolicy: 'Sometimes', priority: 'high' }, { labels: { '-': 'x' } })
  const { json } = await send(cluster, 'POST', tasks, { body })
  const fields = json.details.causes.map(({ field }: { field: string }) => field)
  expect(fields).toEqual(['spec.restartPolicy', 'spec.priority', 'metadata.labels'])
})
