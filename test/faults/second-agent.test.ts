/** A second agent with the name, the certificate and a copy of the directory of one that works: no Task runs twice. */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type Cluster, startCluster } from '../processes/cluster.js'
import { createOwner } from '../processes/owner.js'
import { startProgram } from '../processes/program.js'

const owner = createOwner('second-agent')
let cluster: Cluster
const kubectl = (...args: string[]) => cluster.kubectl(...args)

beforeAll(async () => {
  cluster = await startCluster(owner, { backends: 'process' })
})
afterAll(() => owner.end())

it('a copied agent waits while the first one beats, and starts nothing', async () => {
  const nodes = path.join(cluster.directory, 'nodes')
  const [nodeName = ''] = readdirSync(nodes)
  const copy = path.join(owner.directory, 'copy')
  cpSync(path.join(nodes, nodeName), copy, { recursive: true, preserveTimestamps: true })
  const log = path.join(owner.directory, 'copy.log')
  const server = `https://127.0.0.1:${cluster.port}`
  const work = path.join(owner.directory, 'work')
  const args = ['--data-dir', copy, '--work-dir', work, '--node-name', nodeName, '--backends', 'process', '--server', server]
  startProgram(owner, 'nodeagent/main.js', args, log)
  await eventually(() => readFileSync(log, 'utf8').includes(`another agent acts as node ${nodeName}`))

  const task = (_: unknown, id: number) =>
    `{apiVersion: millrace.dev/v1, kind: Task, metadata: {name: t${id}}, spec: {command: [sh, -c, 'sleep 1']}}\n`
  cluster.apply(Array.from({ length: 20 }, task).join('---\n'))
  kubectl('wait', 'task', '--all', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=90s')
  expect(readdirSync(path.join(copy, 'runs'))).toEqual([])
  expect(readdirSync(path.join(copy, 'workloads'))).toEqual([])
})
