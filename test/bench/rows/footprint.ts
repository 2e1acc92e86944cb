/** Rows 14 and 18: what an idle cluster holds and uses, and what one cold command costs. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { startApiServer } from '../../processes/api-server.js'
import { startCluster } from '../../processes/cluster.js'
import { interleave, median, type Row, sleep } from '../measure.js'

const idleMs = 20_000
const runsPerRound = 5
/** What k3s publishes for a server, MB. */
const k3s = 1_596

export const idleCluster: Row = {
  rows: [14],
  name: 'an idle cluster',
  async run(bench) {
    const cluster = await startCluster(bench, { backends: 'process' })
    await sleep(idleMs / 2)
    const programs = cluster.programs()
    const before = programs.map((program) => program.cpuMs())
    const start = performance.now()
    await sleep(idleMs)
    const elapsedMs = performance.now() - start
    const figures = programs.map((program, index) => ({
      name: program.program,
      residentMB: program.residentBytes() / 1e6,
      proportionalMB: program.proportionalBytes() / 1e6,
      cpuPercent: ((program.cpuMs() - (before[index] ?? 0)) / elapsedMs) * 100,
    }))
    for (const { name, residentMB, proportionalMB, cpuPercent } of figures)
      bench.say(`${name}: RSS ${residentMB.toFixed(0)} MB, PSS ${proportionalMB.toFixed(0)} MB, CPU ${cpuPercent.toFixed(2)} %`)
    const sum = (figure: 'residentMB' | 'proportionalMB' | 'cpuPercent') => figures.reduce((total, found) => total + found[figure], 0)
    return [
      {
        row: 14,
        what: `memory of an idle cluster, ${figures.length} processes (sum of RSS: the Node binary that they share counts in each)`,
        unit: 'MB',
        ours: sum('residentMB'),
        peer: { name: "k3s's published server", value: k3s },
        goal: '≤ 0.3 ×, floor 450',
        reached: sum('residentMB') <= Math.min(450, 0.3 * k3s),
      },
      {
        row: 14,
        what: 'the same as a sum of PSS (shared pages divided among all that share them)',
        unit: 'MB',
        ours: sum('proportionalMB'),
        goal: '',
      },
      {
        row: 14,
        what: 'CPU of an idle cluster',
        unit: '% of a core',
        ours: sum('cpuPercent'),
        goal: '≤ 3',
        reached: sum('cpuPercent') <= 3,
      },
    ]
  },
}

export const coldCommand: Row = {
  rows: [18],
  name: 'a cold kubectl-lite',
  async run(bench) {
    const server = await startApiServer(bench)
    const command = [path.join(bench.build, 'dist/kubectl-lite/main.js'), '--kubeconfig', server.kubeconfig, 'get', 'tasks']
    const request = ['-e', oneRequest, JSON.stringify(server.target)]
    const runs = await interleave(bench.rounds, {
      ours: () => cpuMsOf(command),
      bare: () => cpuMsOf(request),
      node: () => cpuMsOf(['-e', '0']),
    })
    const [ours, bare] = [median(runs.ours), median(runs.bare)]
    bench.say(`node -e 0 alone: ${median(runs.node).toFixed(0)} ms`)
    return [
      {
        row: 18,
        what: 'CPU of a cold `kubectl-lite get tasks`',
        unit: 'ms',
        ours,
        peer: { name: 'node with one TLS request', value: bare },
        goal: '≤ 1.6 ×',
        reached: ours <= 1.6 * bare,
      },
    ]
  },
}

const oneRequest = `
const { host, port, tls } = JSON.parse(process.argv[1])
require('node:https').get({ host, port, ...tls, agent: false, path: '/apis/millrace.dev/v1/namespaces/default/tasks' }, (response) => response.resume())
`

/** CPU of one run of Node with these arguments, user and system, as the shell that waited for several runs was told. */
async function cpuMsOf(args: readonly string[]): Promise<number> {
  const script = 'count=$1; shift; while [ $count -gt 0 ]; do "$@" >/dev/null || exit 1; count=$((count - 1)); done; times'
  const words = ['-c', script, 'sh', String(runsPerRound), process.execPath, ...args]
  const { stdout } = await promisify(execFile)('sh', words, { timeout: 120_000 })
  const children = stdout.trim().split('\n').at(-1) ?? ''
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  )
  return (seconds * 1000) / runsPerRound
}
