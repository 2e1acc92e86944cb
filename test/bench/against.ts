/**
 * `--against COMMIT`: this build and that of a commit, run in turn on one machine in one moment, by the CPU that their servers use per
 * operation: what holds still while the clock does not.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { type Connection, openConnection } from '../processes/connection.js'
import { taskBody } from '../processes/objects.js'
import { type Owner, projectRoot } from '../processes/owner.js'
import { type Bench, drive, interleave, type Measurement, median, openMany, until } from './measure.js'
import { openWatcher } from './watcher.js'

const run = promisify(execFile)
const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'
const clients = 64
const created = 4_000
const watchers = 50
const watched = 2_000
const lists = 40

/** Creates, whole lists and deliveries of both builds, interleaved. */
export async function compareWith(bench: Bench, commit: string): Promise<Measurement[]> {
  const build = await buildOf(bench, commit)
  const ours = await Subject.start(bench)
  const theirs = await Subject.start({ ...bench, build })
  for (const subject of [ours, theirs]) await subject.create(created)
  const measurements: Measurement[] = []
  const compare = async (what: string, measure: (subject: Subject) => Promise<number>) => {
    const costs = await interleave(bench.rounds, { ours: () => measure(ours), theirs: () => measure(theirs) })
    const [mine, other] = [median(costs.ours), median(costs.theirs)]
    measurements.push({
      row: 0,
      what,
      unit: 'µs',
      ours: mine,
      peer: { name: commit, value: other },
      goal: '≤ 1.1 ×',
      reached: mine <= 1.1 * other,
    })
  }
  await compare('CPU per create, 64 clients', (subject) => subject.perCreate())
  await compare('CPU per object of a list', (subject) => subject.perListed())
  await compare(`CPU per delivery, ${watchers} watchers (the writes included)`, (subject) => subject.perDelivery())
  return measurements
}

/** A server with its clients. Each round asks the same of it, so that both clusters grow alike. */
class Subject {
  private serial = 0

  private constructor(
    private readonly server: ApiServer,
    private readonly lanes: readonly Connection[],
  ) {}

  static async start(owner: Owner): Promise<Subject> {
    const server = await startApiServer(owner)
    return new Subject(server, await openMany(clients, () => openConnection(server.target)))
  }

  async create(count: number): Promise<void> {
    const last = this.serial + count
    const createOne = async (lane: number) => {
      const answer = await this.lanes[lane]?.request('POST', tasks, taskBody(`t${this.serial++}`))
      if (answer?.status !== 201) throw new Error(`a create answered ${answer?.status}: ${answer?.body.toString('utf8', 0, 300)}`)
    }
    await drive(clients, 60_000, createOne, () => this.serial >= last)
  }

  perCreate(): Promise<number> {
    return this.cpuUsOf(async () => {
      const first = this.serial
      await this.create(created)
      return this.serial - first
    })
  }

  perListed(): Promise<number> {
    return this.cpuUsOf(async () => {
      for (let count = 0; count < lists; count++) await this.lanes[0]?.request('GET', `${tasks}?limit=2000`)
      return lists * 2_000
    })
  }

  async perDelivery(): Promise<number> {
    const answer = await this.lanes[0]?.request('GET', `${tasks}?limit=1`)
    const revision = /"resourceVersion":"(\d+)"/.exec(answer?.body.toString('utf8', 0, 2_000) ?? '')?.[1]
    const opened = await openMany(watchers, () => openWatcher(this.server.target, `${tasks}?watch=true`, revision))
    const cost = await this.cpuUsOf(async () => {
      const first = this.serial
      await this.create(watched)
      const written = this.serial - first
      await until('all deliveries', 30_000, () => opened.every((watcher) => watcher.events >= written))
      return written * watchers
    })
    for (const watcher of opened) watcher.close()
    return cost
  }

  private async cpuUsOf(work: () => Promise<number>): Promise<number> {
    const before = this.server.cpuMs()
    const operations = await work()
    return ((this.server.cpuMs() - before) * 1000) / operations
  }
}

/** The folder of a build of that commit, made in a worktree that is removed at the end. It uses the packages of this checkout. */
async function buildOf(bench: Bench, commit: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-against-'))
  const tree = path.join(folder, 'tree')
  bench.defer(async () => {
    await run('git', ['worktree', 'remove', '--force', tree], { cwd: projectRoot })
    rmSync(folder, { recursive: true, force: true })
  })
  await run('git', ['worktree', 'add', '--detach', tree, commit], { cwd: projectRoot })
  symlinkSync(path.join(projectRoot, 'node_modules'), path.join(tree, 'node_modules'))
  bench.say(`building ${commit}`)
  const compiler = path.join(tree, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--noCheck'], { cwd: tree, timeout: 300_000 })
  return tree
}
