import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { send, tasks } from './fixtures/requests.js'

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
