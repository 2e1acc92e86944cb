/** Row 20: how soon a test has a cluster. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { interleave, median, type Row, spreadOf } from '../measure.js'

interface Starts {
  /** Process start to the first cluster that has answered. */
  readonly firstMs: number
  readonly secondMs: number
  readonly secondCpuMs: number
  readonly closeMs: number
}

export const testClusters: Row = {
  rows: [20],
  name: 'clusters inside tests',
  async run(bench) {
    const library = pathToFileURL(path.join(bench.build, 'dist/lib/testing/index.js')).href
    const runs = await interleave(bench.rounds, {
      ours: async () => JSON.parse((await runNode(twoClusters, library)).stdout) as Starts,
      bare: async () => Number((await runNode(emptyServers)).stdout),
    })
    const seconds = runs.ours.map(({ secondMs }) => secondMs)
    const firsts = runs.ours.map(({ firstMs }) => firstMs)
    bench.say(`closing one: ${median(runs.ours.map(({ closeMs }) => closeMs)).toFixed(1)} ms`)
    return [
      {
        row: 20,
        what: 'second `testCluster()` of a process, called to answering a list',
        unit: 'ms',
        ours: median(seconds),
        spread: spreadOf(seconds),
        peer: { name: 'a bare node:http server, the second of a process', value: median(runs.bare) },
        goal: '≤ 100',
        reached: median(seconds) <= 100,
      },
      { row: 20, what: 'the same, CPU', unit: 'ms', ours: median(runs.ours.map(({ secondCpuMs }) => secondCpuMs)), goal: '' },
      { row: 20, what: 'the first one, process start included', unit: 'ms', ours: median(firsts), spread: spreadOf(firsts), goal: '' },
    ]
  },
}

const runNode = (...words: string[]) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', ...words], { timeout: 120_000 })

const twoClusters = `
const { testCluster } = await import(process.argv[1])
const answer = async (cluster) => (await fetch(cluster.url + '/apis/millrace.dev/v1/tasks')).json()
const first = await testCluster()
await answer(first)
const firstMs = performance.now()
const cpu = process.cpuUsage()
const second = await testCluster()
await answer(second)
const secondMs = performance.now() - firstMs
const { user, system } = process.cpuUsage(cpu)
const closing = performance.now()
await second.close()
const closeMs = performance.now() - closing
await first.close()
console.log(JSON.stringify({ firstMs, secondMs, secondCpuMs: (user + system) / 1000, closeMs }))
process.exit()
`

const emptyServers = `
import { createServer } from 'node:http'
const start = async () => {
  const server = createServer((request, response) => response.end('{}'))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  await (await fetch('http://127.0.0.1:' + server.address().port)).json()
}
await start()
const before = performance.now()
await start()
console.log(performance.now() - before)
process.exit()
`
