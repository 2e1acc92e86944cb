import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { badRequest } from '../../lib/api/api-error.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { fetchSnapshot } from './fetch-snapshot.js'

const content = randomBytes(3_000_000)
const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
const copy = { namespace: 'default', name: 's', uid: 'snapshot-uid' }
const never = new AbortController().signal

/** How the next answers go, the last for ever. */
interface Answer {
  readonly cutAfter?: number
  readonly digest?: string
  readonly ignoresRange?: boolean
  readonly refuses?: boolean
}
let folder: string
let server: http.Server
let client: Client
let answers: Answer[]
let asked: string[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-fetch-'))
  answers = [{}]
  asked = []
  server = http.createServer((request, response) => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? {}
    asked.push(request.headers.range ?? '')
    if (answer.refuses) {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify(badRequest('there is none at 2000000').toStatus()))
      return
    }
    const from = answer.ignoresRange ? 0 : Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
    const head = { etag: `"${answer.digest ?? digest}"`, 'content-length': content.length - from }
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }
    response.writeHead(answer.ignoresRange ? 200 : 206, answer.ignoresRange ? head : { ...head, ...range })
    if (answer.cutAfter === undefined) response.end(content.subarray(from))
    else response.write(content.subarray(from, from + answer.cutAfter), () => setImmediate(() => response.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  client = createClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
afterEach(async () => {
  await client.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

const progress: string[] = []
const fetch = () => fetchSnapshot(copy, { client, folder, onProgress: (text) => progress.push(text) }, never)
const startOf = (range: string) => Number(/\d+/.exec(range)?.[0])

it('brings the whole file, and says how far it is', async () => {
  const file = await fetch()
  expect((await readFile(file)).equals(content)).toBe(true)
  expect(progress.at(-1)).toBe(`copying snapshot s: 100 % of ${content.length} bytes`)
})

it('goes on behind what has arrived when the connection broke', async () => {
  answers = [{ cutAfter: 2_000_000 }, {}]
  await expect(fetch()).rejects.toThrow()
  const file = await fetch()
  expect((await readFile(file)).equals(content)).toBe(true)
  expect(asked).toHaveLength(2)
  expect(startOf(asked[1] ?? '')).toBeGreaterThan(0)
})

it('begins anew where the server sends all of it', async () => {
  answers = [{ cutAfter: 2_000_000 }, { ignoresRange: true }]
  await expect(fetch()).rejects.toThrow()
  expect((await readFile(await fetch())).equals(content)).toBe(true)
})

it('begins anew where the file has become shorter than what has arrived', async () => {
  answers = [{ cutAfter: 2_000_000 }, { refuses: true }, {}]
  await expect(fetch()).rejects.toThrow()
  await expect(fetch()).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('it is copied again') })
  expect((await readFile(await fetch())).equals(content)).toBe(true)
  expect(startOf(asked[2] ?? '')).toBe(0)
})

it('does not take what is not what was announced, and copies it again', async () => {
  answers = [{ digest: `sha256:${'0'.repeat(64)}` }, {}]
  await expect(fetch()).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('it is copied again') })
  expect((await readFile(await fetch())).equals(content)).toBe(true)
  expect(asked.map(startOf)).toEqual([0, 0])
})

it('asks nobody for what is there already', async () => {
  await fetch()
  await fetch()
  expect(asked).toHaveLength(1)
})
