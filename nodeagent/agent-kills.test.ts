/**
 * The agent as a process of its own, killed again and again while Tasks start, run, end and are deleted: nothing starts twice, nothing that
 * ran is restarted, and what ended while nobody looked is reported. MILLRACE_TEST_LONG=1: 200 kills.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { Namespace, securityLabel } from '../lib/api/kinds/namespace.js'
import { Task } from '../lib/api/kinds/task.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { writeKubeconfig } from '../lib/client/kubeconfig/write-kubeconfig.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { type AgentFolders, agentFolders } from './fixtures/start-agent.js'

const kills = process.env.MILLRACE_TEST_LONG === '1' ? 200 : 6
const steady = 20
const root = path.resolve(import.meta.dirname, '..')

let cluster: TestCluster
let admin: Client
let folders: AgentFolders
let shared: string
let agent: ChildProcess | undefined

beforeAll(async () => {
  cluster = await testCluster()
  admin = createClient(cluster.admin)
  await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
  folders = await agentFolders()
  shared = await mkdtemp(path.join(tmpdir(), 'mr-kills-'))
  for (const folder of ['', 'starts', 'end']) {
    await mkdir(path.join(shared, folder), { recursive: true })
    await chmod(path.join(shared, folder), 0o777)
  }
  const user = (await cluster.configOf('system:node:n1', ['system:nodes'])).token ?? ''
  await writeKubeconfig(path.join(folders.data, 'kubeconfig'), {
    clusters: [{ name: 'c', cluster: { server: cluster.url } }],
    users: [{ name: 'u', user: { token: user } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
})
afterAll(async () => {
  agent?.kill('SIGKILL')
  await admin.close()
  await cluster.close()
  await folders.remove()
  await rm(shared, { recursive: true, force: true })
})

function startAgent(): ChildProcess {
  const flags = [
    '--data-dir',
    folders.data,
    '--work-dir',
    folders.work,
    '--node-name',
    'n1',
    '--backends',
    'process',
    '--log-level',
    'info',
  ]
  const command = ['--import', 'tsx', path.join(root, 'nodeagent/main.ts'), ...flags, '--kubeconfig', path.join(folders.data, 'kubeconfig')]
  return spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Kills the agent a random while after it began to work, or while it still starts. */
async function runAndKill(): Promise<void> {
  const running = startAgent()
  agent = running
  const exited = new Promise((resolve) => running.once('exit', resolve))
  let said = ''
  const works = new Promise<void>((resolve) =>
    running.stderr?.on('data', (chunk: Buffer) => {
      said += chunk
      if (said.includes('the agent works')) resolve()
    }),
  )
  await Promise.race([works, exited])
  if (running.exitCode !== null) throw new Error(`the agent ended by itself: ${said}`)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 500))
  running.kill('SIGKILL')
  await exited
}

const created: string[] = []
const create = async (name: string, script: string) => {
  const task = await admin.of(Task).create({
    metadata: { namespace: 'default', name },
    spec: { nodeName: 'n1', command: ['sh', '-c', `echo $$ >> ${shared}/starts/${name}; ${script}`], terminationGracePeriodSeconds: 1 },
  })
  created.push(task.metadata.uid)
}
const get = (name: string) => admin.of(Task).get({ namespace: 'default', name })
const starts = async (name: string) =>
  (await readFile(path.join(shared, 'starts', name), 'utf8').catch(() => '')).split('\n').filter(Boolean)

it(`${kills} kills of the agent restart, double and lose nothing`, { timeout: kills * 10_000 + 120_000 }, async () => {
  for (let n = 0; n < steady; n++) await create(`steady-${n}`, 'exec sleep 100000')
  const endings = new Map<string, number>()
  for (let kill = 0; kill < kills; kill++) {
    // Something begins, ends and is deleted around every kill.
    const code = (kill % 50) + 1
    await create(`ending-${kill}`, `while [ ! -e ${shared}/end/${kill} ]; do sleep 0.05; done; exit ${code}`)
    await create(`deleted-${kill}`, 'exec sleep 100000')
    endings.set(`ending-${kill}`, code)
    const dying = runAndKill()
    if (kill > 0) await admin.of(Task).delete({ namespace: 'default', name: `deleted-${kill - 1}` })
    await dying
    if (kill > 0) await writeFile(path.join(shared, 'end', String(kill - 1)), '')
  }
  await writeFile(path.join(shared, 'end', String(kills - 1)), '')
  await admin.of(Task).delete({ namespace: 'default', name: `deleted-${kills - 1}` })
  agent = startAgent()

  for (const [name, code] of endings)
    await eventually(async () => expect((await get(name)).status).toMatchObject({ phase: 'Failed', exitCode: code, restarts: 0 }), {
      timeoutMs: 60_000,
    })
  for (let n = 0; n < steady; n++) {
    const name = `steady-${n}`
    const task = await eventually(
      async () => {
        const current = await get(name)
        expect(current.status).toMatchObject({ phase: 'Running', restarts: 0, attempt: 0 })
        return current
      },
      { timeoutMs: 60_000 },
    )
    const pids = await starts(name)
    expect(pids).toEqual([task.status?.runtimeId])
    expect(findCondition(task, 'Running')?.status).toBe('True')
  }
  for (const name of endings.keys()) expect(await starts(name)).toHaveLength(1)
  for (let kill = 0; kill < kills; kill++) expect((await starts(`deleted-${kill}`)).length).toBeLessThanOrEqual(1)

  for (const task of (await admin.of(Task).list()).items) await admin.of(Task).delete(task.metadata)
  await eventually(async () => expect((await admin.of(Task).list()).items.map(({ metadata }) => metadata.name)).toEqual([]), {
    timeoutMs: 90_000,
  })
  await eventually(async () => {
    for (const folder of ['runs', 'workloads']) expect(await readdir(path.join(folders.data, folder))).toEqual([])
    expect(await readdir(folders.work)).toEqual([])
    const groups = await readdir('/sys/fs/cgroup/memory/millrace').catch(() => [])
    expect(groups.filter((group) => created.some((uid) => group.startsWith(uid)))).toEqual([])
  })
  for (const file of await readdir(path.join(shared, 'starts')))
    for (const pid of await starts(file)) expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).not.toContain('sleep')
  agent.kill('SIGTERM')
  await new Promise((resolve) => agent?.once('exit', resolve))
})
