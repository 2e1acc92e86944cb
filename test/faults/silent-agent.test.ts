/** An agent that says nothing for a while: what its Tasks did meanwhile counts, whatever was decided about them. */
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type Cluster, startCluster } from '../processes/cluster.js'
import { createOwner } from '../processes/owner.js'
import { stopProcess } from '../processes/stop-process.js'

const owner = createOwner('silent-agent')
let cluster: Cluster
const kubectl = (...args: string[]) => cluster.kubectl(...args)

beforeAll(async () => {
  cluster = await startCluster(owner, { backends: 'process' })
})
afterAll(() => owner.end())

it('a Task that succeeded before its eviction was heard of is not begun again; one that obeyed the eviction is', async () => {
  const shared = path.join(owner.directory, 'shared')
  mkdirSync(shared)
  for (const folder of [owner.directory, shared]) chmodSync(folder, 0o777)
  const task = (name: string, script: string) =>
    `{apiVersion: millrace.dev/v1, kind: Task, metadata: {name: ${name}}, spec: {onNodeLost: Reschedule, terminationGracePeriodSeconds: 5, command: [sh, -c, ${JSON.stringify(script)}]}}\n`
  const done = path.join(shared, 'done')
  const go = path.join(shared, 'go')
  const scripts = {
    ends: `while ! test -e ${go}; do sleep 0.05; done; touch ${done}`,
    obeys: `trap 'exit 0' TERM; while :; do sleep 0.05; done`,
  }
  cluster.apply(
    Object.entries(scripts)
      .map(([name, script]) => task(name, script))
      .join('---\n'),
  )
  kubectl('wait', 'task', '--all', '--for=jsonpath={.status.phase}=Running', '--timeout=90s')

  const agent = cluster.programs().find(({ program }) => program === 'nodeagent')
  if (!agent) throw new Error('the agent has no record')
  const status = (name: string) => JSON.parse(kubectl('get', 'task', name, '-o', 'json')).status as { phase: string; attempt?: number }
  try {
    await stopProcess(agent.pid)
    writeFileSync(go, '')
    await eventually(() => existsSync(done))
    kubectl('taint', 'node', readdirSync(path.join(cluster.directory, 'nodes'))[0] ?? '', 'test=empty:NoExecute')
    await eventually(() => {
      for (const name of ['ends', 'obeys']) expect(kubectl('get', 'task', name, '-o', 'json')).toContain('DisruptionTarget')
    })
  } finally {
    process.kill(agent.pid, 'SIGCONT')
  }
  await eventually(() => expect(status('obeys').attempt).toBe(1), { intervalMs: 200 })
  await eventually(() => expect(status('ends')).toMatchObject({ phase: 'Succeeded' }), { intervalMs: 200 })
  expect(status('ends').attempt ?? 0).toBe(0)
})
