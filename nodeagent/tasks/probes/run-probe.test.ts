import http from 'node:http'
import net from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { TaskProbe } from '../../../lib/api/kinds/task.js'
import { HollowBackend, HollowMachine } from '../../backends/hollow/hollow-backend.js'
import { runProbe } from './run-probe.js'

const servers: net.Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server instanceof http.Server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
const listen = async (server: net.Server): Promise<number> => {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as net.AddressInfo).port
}
const target = { backend: new HollowBackend(new HollowMachine()), id: { uid: 'u', attempt: 0, run: 0 }, address: '127.0.0.1' }
const probe = (how: Partial<TaskProbe>): TaskProbe => ({
  initialDelaySeconds: 0,
  periodSeconds: 1,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 1,
  ...how,
})
const run = (how: Partial<TaskProbe>) => runProbe(probe(how), target, new AbortController().signal)

it.each([
  [200, undefined],
  [302, undefined],
  [399, undefined],
  [400, 'HTTP answered with code 400'],
  [503, 'HTTP answered with code 503'],
])('an HTTP answer with code %i is %j, and no redirect is followed', async (code, outcome) => {
  const asked: (string | undefined)[] = []
  const port = await listen(
    http.createServer((request, response) => {
      asked.push(request.url)
      response.writeHead(code, { location: '/elsewhere' }).end()
    }),
  )
  expect(await run({ http: { path: '/healthz?x=1', port, scheme: 'HTTP' } })).toBe(outcome)
  expect(asked).toEqual(['/healthz?x=1'])
})

it('a TCP probe succeeds where somebody listens, and nowhere else', async () => {
  const server = net.createServer((socket) => socket.destroy())
  const port = await listen(server)
  expect(await run({ tcp: { port } })).toBeUndefined()
  await new Promise((resolve) => servers.pop()?.close(resolve))
  expect(await run({ tcp: { port } })).toContain('ECONNREFUSED')
})

it('what does not answer in time has failed', async () => {
  const port = await listen(http.createServer(() => {}))
  expect(await run({ http: { path: '/', port, scheme: 'HTTP' } })).toBe('no answer within 1 s')
})

it('a probe of a run that is not there fails, in words', async () => {
  expect(await run({ exec: { command: ['true'] } })).toBe('the task is not running')
})
