import { once } from 'node:events'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { dialNodeStreams } from './dial-node-streams.js'
import { duplexOverSocket } from './duplex-over-socket.js'
import { selfSigned, type TlsFiles, UpgradeServer, Wire } from './fixtures/loopback.js'
import { ask, askingSession } from './node-session.js'

let tls: TlsFiles
let server: UpgradeServer
let wire: Wire
const abort = { current: new AbortController() }
const running: Promise<void>[] = []

beforeAll(async () => {
  tls = await selfSigned()
})
beforeEach(async () => {
  abort.current = new AbortController()
  server = await UpgradeServer.listen(tls)
  wire = await Wire.to(server.port)
})
afterEach(async () => {
  abort.current.abort()
  await Promise.all(running.splice(0))
  await wire.close()
  await server.close()
})

const quick = { intervalMs: 20, timeoutMs: 300 }
const patient = { intervalMs: 60_000, timeoutMs: 60_000 }

/** Dials through the wire; collects what happens. */
function dial(options: Partial<Parameters<typeof dialNodeStreams>[0]> = {}) {
  const errors: Error[] = []
  let onError: (() => void) | undefined
  const nextError = () =>
    new Promise<void>((resolve) => {
      onError = resolve
    })
  running.push(
    dialNodeStreams({
      server: `https://127.0.0.1:${wire.port}`,
      path: '/streams/n1',
      tls: () => tls,
      onRequest: (_request, stream) => stream.respond({ ':status': 204 }, { endStream: true }),
      onDisconnected: (error) => {
        errors.push(error)
        onError?.()
      },
      backoff: { initialMs: 1, maxMs: 5 },
      keepAlive: patient,
      signal: abort.current.signal,
      ...options,
    }),
  )
  return { errors, nextError }
}

async function accept(keepAlive = patient) {
  const { socket, head } = await server.next()
  const session = askingSession(duplexOverSocket(socket, head), keepAlive)
  session.on('error', () => {})
  return session
}

it('dials again after the connection was cut, and answers over the new one', async () => {
  const first = accept()
  const { errors } = dial()
  await first
  const second = accept()
  wire.cut()
  expect((await ask(await second, { path: '/' })).status).toBe(204)
  expect(errors.length).toBeGreaterThan(0)
})

it('keeps trying while the server refuses, and says with which code', async () => {
  server.refuseWith = 401
  const { errors, nextError } = dial()
  await nextError()
  await nextError()
  expect(errors[0]?.message).toMatch(/refused the connection for streams with code 401/)
  const accepted = accept()
  server.refuseWith = undefined
  expect((await ask(await accepted, { path: '/' })).status).toBe(204)
})

it('asks for its certificate anew for each connection', async () => {
  let asked = 0
  const first = accept()
  dial({
    tls: () => {
      asked++
      return tls
    },
  })
  await first
  const second = accept()
  wire.cut()
  await second
  expect(asked).toBeGreaterThan(1)
})

it('draws a delay at random before each further try', async () => {
  server.refuseWith = 503
  let draws = 0
  const random = () => {
    draws++
    return 0.5
  }
  const { errors, nextError } = dial({ backoff: { initialMs: 1, maxMs: 8, random } })
  while (errors.length < 8) await nextError()
  expect(draws).toBeGreaterThanOrEqual(7)
  expect(server.requests).toBe(errors.length)
})

it('finds a server that has gone silent, and dials again', async () => {
  const first = accept()
  let connected: (() => void) | undefined
  const { errors } = dial({ keepAlive: quick, onConnected: () => connected?.() })
  await new Promise<void>((resolve) => {
    connected = resolve
  })
  await first
  const second = accept()
  wire.hold()
  await second
  expect(errors[0]?.message).toMatch(/has not answered a ping/)
})

it('the server finds an agent that has gone silent', async () => {
  const accepted = accept(quick)
  dial()
  const session = await accepted
  const failed = once(session, 'error').catch((error: unknown) => [error])
  wire.hold()
  const [error] = await failed
  expect(String(error)).toMatch(/has not answered a ping/)
})

it('pings keep a connection that carries nothing else', async () => {
  const lively = { ...patient, intervalMs: 20 }
  const accepted = accept(lively)
  const { errors } = dial({ keepAlive: lively })
  const session = await accepted
  // The next ping is sent only when the last one was answered.
  for (let pings = 0; pings < 5; pings++) await once(session, 'ping')
  expect((await ask(session, { path: '/' })).status).toBe(204)
  expect(errors).toEqual([])
})

it('ends at once when aborted: connected, and while it waits', async () => {
  const accepted = accept()
  dial()
  const session = await accepted
  abort.current.abort()
  await once(session, 'close')
  await Promise.all(running.splice(0))

  abort.current = new AbortController()
  server.refuseWith = 503
  const { nextError } = dial({ backoff: { initialMs: 60_000, maxMs: 60_000, jitter: 'none' } })
  await nextError()
  abort.current.abort()
  await Promise.all(running.splice(0))
})

it('does not trust a server of another authority', async () => {
  const other = await selfSigned()
  const { errors, nextError } = dial({ tls: () => other })
  await nextError()
  expect(errors[0]?.message).toMatch(/self-signed|certificate/)
})
