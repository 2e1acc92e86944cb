/**
 * The API server ends in order and is started again, under load: no request that reached it goes without an answer, and what it answered as
 * done is there. Clients wait when they are refused and honour Retry-After. The long form: 100 restarts.
 */
import { Agent, request as httpsRequest } from 'node:https'
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { freePort } from '../processes/free-port.js'
import { createOwner } from '../processes/owner.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const restarts = long ? 100 : 3
const lanes = 8
const configMaps = '/api/v1/namespaces/default/configmaps'

const owner = createOwner('restarts')
afterAll(() => owner.end())

interface Outcome {
  readonly status: number
  readonly retryAfter: string | undefined
}

it(`${restarts} restarts in order leave no request without an answer`, { timeout: restarts * 60_000 }, async () => {
  const port = await freePort()
  const directory = path.join(owner.directory, 'cluster')
  let server: ApiServer = await startApiServer(owner, { directory, port })
  const { host, tls } = server.target
  const agent = new Agent({ keepAlive: true, host, port, ...tls, servername: 'localhost' })
  const failures: string[] = []
  const done = new Set<string>()
  let ending = false

  /** One request; undefined when there was nobody to send it to. */
  const send = (method: string, where: string, body?: string) =>
    new Promise<Outcome | undefined>((resolve, reject) => {
      let isSent = false
      const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const outgoing = httpsRequest({ agent, host, port, method, path: where, headers }, (answer) => {
        answer.on('error', reject)
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }))
      })
      outgoing.on('socket', (socket) => {
        if (outgoing.reusedSocket) isSent = true
        else socket.once('secureConnect', () => (isSent = true))
      })
      outgoing.on('error', (error) => (isSent ? reject(error) : resolve(undefined)))
      outgoing.end(body)
    })
  const lane = async (number: number) => {
    for (let sequence = 0; !ending; sequence++) {
      const name = `lane-${number}-${sequence}`
      const write = sequence % 4 !== 3
      const body = write ? JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }) : undefined
      for (;;) {
        const outcome = await send(write ? 'POST' : 'GET', write ? configMaps : `${configMaps}?limit=5`, body).catch((error: Error) => {
          failures.push(`${name}: ${error.message}`)
          return { status: 0, retryAfter: undefined }
        })
        const isRefused = outcome?.retryAfter !== undefined && (outcome.status === 429 || outcome.status === 503)
        if (!outcome || isRefused) {
          await new Promise((resolve) => setTimeout(resolve, outcome ? 1000 * Number(outcome.retryAfter) : 20))
          continue
        }
        if (outcome.status === 201) done.add(name)
        else if (outcome.status !== 200 && outcome.status !== 0) failures.push(`${name}: ${outcome.status}`)
        break
      }
    }
  }
  const running = Array.from({ length: lanes }, (_unused, number) => lane(number))
  for (let restart = 0; restart < restarts; restart++) {
    const until = done.size + 100
    while (done.size < until) await new Promise((resolve) => setTimeout(resolve, 5))
    await server.stop('SIGTERM')
    server = await startApiServer(owner, { directory, port })
  }
  ending = true
  await Promise.all(running)
  expect(failures).toEqual([])

  const names = await new Promise<string[]>((resolve, reject) => {
    httpsRequest({ agent, host, port, path: configMaps }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () =>
        resolve((JSON.parse(text) as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name)),
      )
    })
      .on('error', reject)
      .end()
  })
  const present = new Set(names)
  expect([...done].filter((name) => !present.has(name))).toEqual([])
  agent.destroy()
  await server.stop()
})
