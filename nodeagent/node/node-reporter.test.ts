import { afterAll, beforeAll, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { HollowBackend, HollowMachine } from '../backends/hollow/hollow-backend.js'
import { createNoNetwork } from '../network/node-network.js'
import { readMachineFacts } from './machine-facts.js'
import { NodeReporter, type NodeReporterOptions } from './node-reporter.js'

let cluster: TestCluster
let admin: Client
let client: Client
let reporter: NodeReporter
let options: NodeReporterOptions
const signal = AbortSignal.timeout(60_000)
const get = () => admin.of(Node).get({ name: 'n1' })

beforeAll(async () => {
  cluster = await testCluster()
  admin = createClient(cluster.admin)
  client = createClient(await cluster.configOf('system:node:n1', ['system:nodes']))
  options = {
    client,
    clock: systemClock,
    log: silentLogger,
    nodeName: 'n1',
    labels: { 'example.com/rack': 'r7' },
    facts: await readMachineFacts('/tmp', '/usr/bin:/bin'),
    backends: [new HollowBackend(new HollowMachine(), 'docker')],
    network: createNoNetwork(),
    settings: { cpuFactor: 2, maxWorkloads: 50, version: '0.1.0' },
    freeDisk: async () => 1024 ** 4,
  }
  reporter = new NodeReporter(options)
})
afterAll(async () => {
  await client.close()
  await admin.close()
  await cluster.close()
})

it('registers the Node before its backends have answered', async () => {
  const silent = { name: 'qemu' as const, features: new Set<never>(), info: () => new Promise<never>(() => {}) }
  const waiting = new NodeReporter({ ...options, backends: [silent] })
  void waiting.report(signal)
  await waiting.registered
  expect((await get()).status?.conditions).toBeUndefined()
})

it('registers the Node with its labels, and reports it', async () => {
  await reporter.report(signal)
  const node = await get()
  expect(node.metadata.labels).toMatchObject({ 'example.com/rack': 'r7', 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' })
  expect(node.status).toMatchObject({ cpuFactor: 2, isolation: 'container', capacity: { pods: '50' } })
  expect(node.status?.backends).toEqual([
    {
      name: 'docker',
      available: true,
      version: 'hollow',
      isolation: 'container',
      limits: 'none',
      features: ['exec', 'image', 'mounts', 'ports', 'suspend'],
    },
  ])
  expect(findCondition(node, 'Ready')?.status).toBe('True')
})

it('writes nothing when nothing changed', async () => {
  const before = (await get()).metadata.resourceVersion
  await reporter.report(signal)
  expect((await get()).metadata.resourceVersion).toBe(before)
})

it('leaves what others wrote, and takes Ready back', async () => {
  const node = await get()
  await admin.of(Node).mergePatch({ name: 'n1' }, { spec: { unschedulable: true, taints: [{ key: 'x', effect: 'NoSchedule' }] } })
  const conditions = node.status?.conditions?.map((each) =>
    each.type === 'Ready' ? { ...each, status: 'Unknown', reason: 'NodeUnreachable' } : each,
  )
  await admin.of(Node).mergePatch({ name: 'n1' }, { status: { conditions } }, { subresource: 'status' })
  await reporter.report(signal)
  const after = await get()
  expect(after.spec).toMatchObject({ unschedulable: true, taints: [{ key: 'x' }] })
  expect(findCondition(after, 'Ready')).toMatchObject({ status: 'True', reason: 'AgentReady' })
})

it('registers the Node again when somebody deleted it', async () => {
  await admin.of(Node).delete({ name: 'n1' })
  await reporter.report(signal)
  expect(findCondition(await get(), 'Ready')?.status).toBe('True')
})
