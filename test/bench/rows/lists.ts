/** Rows 7, 8, 16 and 17: lists of a large cluster. */
import type { ApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { type Bench, interleave, type Measurement, median, openMany, pace, percentile } from '../measure.js'
import { startStaticServer } from '../peers/static-server.js'
import { longestAnswerDuring } from '../probe/probe.js'

const tasksOf = (namespace: string) => `/apis/millrace.dev/v1/namespaces/${namespace}/tasks`
const allTasks = '/apis/millrace.dev/v1/tasks'

/** Sends a request and throws unless it is answered as expected. */
export async function expectStatus(connection: Connection, method: string, path: string, expected: number, body?: Buffer): Promise<Buffer> {
  const answer = await connection.request(method, path, body)
  if (answer.status !== expected) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`)
  return answer.body
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

/** Row 7: a list of a whole namespace beside one static buffer of its size. */
export async function listWhole(bench: Bench, server: ApiServer, namespace: string): Promise<Measurement[]> {
  const connection = await openConnection(server.target)
  const bytes = (await expectStatus(connection, 'GET', tasksOf(namespace), 200)).length
  const staticServer = await startStaticServer(bench, server.directory, bytes)
  const bare = await openConnection(staticServer.target)
  const list = () => connection.request('GET', tasksOf(namespace))
  const runs = await interleave(Math.max(5, bench.rounds), { ours: () => timed(list), bare: () => timed(() => bare.request('GET', '/')) })
  const livez = { target: server.target, path: '/livez' }
  const probes = await interleave(bench.rounds, {
    quiet: () => longestAnswerDuring(livez, () => new Promise((resolve) => setTimeout(resolve, 100))),
    listing: () => longestAnswerDuring(livez, list),
  })
  for (const opened of [connection, bare]) opened.close()
  const [ours, raw] = [median(runs.ours), median(runs.bare)]
  const longest = median(probes.listing.map(({ longestMs }) => longestMs))
  return [
    {
      row: 7,
      what: `list of 10,000 objects (${(bytes / 1e6).toFixed(1)} MB)`,
      unit: 'ms',
      ours,
      peer: { name: 'one static buffer', value: raw },
      goal: '≤ 1.5 ×, floor 120',
      reached: ours <= 1.5 * raw,
    },
    {
      row: 7,
      what: 'longest answer of /livez during it',
      unit: 'ms',
      ours: longest,
      peer: { name: 'without a list', value: median(probes.quiet.map(({ longestMs }) => longestMs)) },
      goal: '≤ 20',
      reached: longest <= 20,
    },
  ]
}

/** Row 8: a selector that matches one in a thousand. */
export async function selectFew(bench: Bench, server: ApiServer): Promise<Measurement[]> {
  const connection = await openConnection(server.target)
  const runs = await interleave(Math.max(5, bench.rounds), {
    ours: () => timed(() => expectStatus(connection, 'GET', `${allTasks}?labelSelector=rare%3Dyes`, 200)),
  })
  connection.close()
  const ours = median(runs.ours)
  return [
    {
      row: 8,
      what: 'list of 100,000 with a selector that matches 100',
      unit: 'ms',
      ours,
      goal: '≤ 100 (1 µs per object)',
      reached: ours <= 100,
    },
  ]
}

/** Row 16: a client pages through everything, quietly and while others write. */
export async function pages(bench: Bench, server: ApiServer): Promise<Measurement[]> {
  const connection = await openConnection(server.target)
  const writers = await openMany(16, () => openConnection(server.target))
  const rates: number[] = []
  let serial = 0
  const runs = await interleave(bench.rounds, {
    quiet: () => walk(connection),
    busy: async () => {
      let done = false
      const write = async (lane: number) =>
        void (await expectStatus(writers[lane] as Connection, 'POST', tasksOf('default'), 201, taskBody(`page-${serial++}`)))
      const writing = pace(1_000, writers.length, write, () => done)
      const times = await walk(connection).finally(() => {
        done = true
      })
      rates.push(await writing)
      return times
    },
  })
  for (const opened of [connection, ...writers]) opened.close()
  const [quiet, busy] = [median(runs.quiet.map((times) => percentile(times, 99))), median(runs.busy.map((times) => percentile(times, 99)))]
  return [
    {
      row: 16,
      what: `page of 500 of 100,000, p99, under ${Math.round(median(rates))} writes/s`,
      unit: 'ms',
      ours: busy,
      peer: { name: 'without writes', value: quiet },
      goal: '≤ 3 ×, floor 15',
      reached: busy <= 3 * quiet,
    },
  ]
}

async function walk(connection: Connection): Promise<number[]> {
  const times: number[] = []
  let token = ''
  do {
    const before = performance.now()
    const body = await expectStatus(connection, 'GET', `${allTasks}?limit=500${token && `&continue=${encodeURIComponent(token)}`}`, 200)
    times.push(performance.now() - before)
    token = /"continue":"([^"]*)"/.exec(body.toString('utf8', 0, 2_000))?.[1] ?? ''
  } while (token !== '')
  return times
}

/** Row 17: every agent asks for its own node's Tasks at once, as after a restart of the server. Whoever is told to come back does. */
export async function relist(bench: Bench, server: ApiServer, nodes: number): Promise<Measurement[]> {
  const connection = await openConnection(server.target)
  // A connection that has asked once is kept alive; one that never asks is taken for a slow socket and ended.
  const agents = await openMany(nodes, async () => {
    const opened = await openConnection(server.target)
    await opened.request('GET', '/livez')
    return opened
  })
  let refused = 0
  const relistOne = async (agent: Connection, node: number) => {
    for (;;) {
      const { status, body } = await agent.request('GET', `${allTasks}?fieldSelector=spec.nodeName%3Dn${node}`)
      if (status === 200) return
      if (status !== 429) throw new Error(`the list answered ${status}: ${body.toString('utf8', 0, 300)}`)
      refused++
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  const runs = await interleave(bench.rounds, {
    all: () => timed(() => connection.request('GET', allTasks)),
    ours: () => timed(() => Promise.all(agents.map(relistOne))),
  })
  for (const opened of [connection, ...agents]) opened.close()
  if (refused > 0) bench.say(`${refused} lists were answered 429 and asked for again after a second`)
  const [ours, all] = [median(runs.ours), median(runs.all)]
  return [
    {
      row: 17,
      what: '1,000 agents relist at once',
      unit: 'ms',
      ours,
      peer: { name: 'one list of all', value: all },
      goal: '≤ 2 ×, floor 5,000',
      reached: ours <= 2 * all,
    },
  ]
}
