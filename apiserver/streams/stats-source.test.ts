import { Duplex, PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import type { NodeRequest } from '../../lib/stream/node-session.js'
import { createStatsSource } from './stats-source.js'

const machine = { cpuCores: 1, memoryBytes: 2, windowMs: 1000, diskUsedBytes: 3, load: [], temperatures: [], gpus: [] }

/** Connections of agents, and what they were asked. */
function connections(answer: (request: NodeRequest) => Promise<{ status: number; stream: Duplex }> | { status: number; stream: Duplex }) {
  const paths: string[] = []
  return {
    paths,
    isConnected: (node: string) => node !== 'away',
    async openNodeStream(_node: string, request: NodeRequest) {
      paths.push(request.path)
      return { headers: {}, ...(await answer(request)) }
    },
  }
}
const said = (text: string, status = 200) => {
  const stream = new PassThrough()
  stream.end(text)
  return { status, stream }
}

it('many who ask at once ask once, each question by its own path', async () => {
  const streams = connections(() => said(JSON.stringify({ machine })))
  const readStats = createStatsSource(streams)
  const answers = await Promise.all(Array.from({ length: 20 }, () => readStats('n1', { of: 'machine' })))
  expect(answers.every((answer) => answer?.machine?.cpuCores === 1)).toBe(true)
  await readStats('n1', { of: 'workloads' })
  await readStats('n1', { of: 'workload', kind: 'Vps', namespace: 'a', name: 'b', uid: 'u', attempt: 2 })
  expect(streams.paths).toEqual(['/stats', '/stats?of=workloads', '/stats/a/b?kind=Vps&uid=u&attempt=2'])
})

it.each([
  ['is not connected', 'away', said('{}')],
  ['refuses', 'n1', said('{}', 500)],
  ['answers with something else', 'n1', said('no JSON')],
  ['answers without end', 'n1', { status: 200, stream: Duplex.from(endless()) }],
])('nobody knows the load of a node whose agent %s', async (_what, node, answer) => {
  expect(await createStatsSource(connections(() => answer))(node, { of: 'machine' })).toBeUndefined()
})

it('an agent that does not answer in time is left out', async () => {
  const streams = connections(
    ({ signal }) => new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  )
  expect(await createStatsSource(streams, { deadlineMs: 20 })('n1', { of: 'machine' })).toBeUndefined()
})

function* endless() {
  for (;;) yield Buffer.alloc(1024 * 1024)
}
