import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import type { BackendFeature, RunSpec } from '../backends/backend.js'
import { HollowBackend, HollowMachine } from '../backends/hollow/hollow-backend.js'
import { type AgentFolders, agentFolders, type RunningAgent, startAgent } from '../fixtures/start-agent.js'
import type { AddressHolder, NodeNetwork } from '../network/node-network.js'
import { createNoNetwork } from '../network/node-network.js'
import { StepError } from '../steps/step-error.js'

const address = { address: '172.30.0.2', prefixLength: 16, gateway: '172.30.0.1', bridge: 'mrbr0', mac: '52:54:00:00:00:01' }

/** Runs nothing, on a bridge. */
class BridgedBackend extends HollowBackend {
  override readonly features: ReadonlySet<BackendFeature> = new Set<BackendFeature>(['addresses', 'image'])
  refuses = false

  override async start(run: RunSpec): Promise<void> {
    happened.push(`start ${run.address?.address}`)
    if (this.refuses) throw new Error('not now')
    await super.start(run)
  }
}

let happened: string[]
let refusals: number
let cluster: TestCluster
let admin: Client
let folders: AgentFolders
let agent: RunningAgent
let backend: BridgedBackend
const at = { namespace: 'default', name: 'bridged' }

beforeAll(async () => {
  cluster = await testCluster()
  admin = createClient(cluster.admin)
})
afterAll(async () => {
  await admin.close()
  await cluster.close()
})
beforeEach(async () => {
  happened = []
  refusals = 0
  folders = await agentFolders()
  backend = new BridgedBackend(new HollowMachine(undefined, 600_000), 'docker')
  const network: NodeNetwork = {
    ...createNoNetwork(),
    mode: 'bridge',
    async claim({ uid }: AddressHolder) {
      const noted = (await agent.parts.ledgers.read(uid))?.hasAddress
      happened.push(`claim, ${noted ? 'noted' : 'not noted'}`)
      if (refusals-- > 0) throw new StepError('AddressUnavailable', 'none is free', true)
      return address
    },
    release: async () => void happened.push('release'),
  }
  agent = await startAgent(cluster, folders, { backends: async () => [backend], network: () => network })
})
afterEach(async () => {
  await agent.stop()
  await folders.remove()
})

const create = () => admin.of(Task).create({ metadata: at, spec: { nodeName: 'n1', image: 'x', backend: 'docker' } })
const runningOf = async () => findCondition(await admin.of(Task).get(at), 'Running')
const remove = async () => {
  await admin.of(Task).delete(at, { gracePeriodSeconds: 0 })
  await eventually(async () => expect((await admin.of(Task).list()).items).toEqual([]))
}

it('is claimed while the volumes are prepared, and noted before, so that it is given back also where nothing started', async () => {
  backend.refuses = true
  await create()
  await eventually(async () => expect(await runningOf()).toMatchObject({ status: 'False', message: 'not now' }))
  expect(happened.slice(0, 3)).toEqual(['claim, noted', 'claim, noted', 'start 172.30.0.2'])
  await remove()
  expect(happened.at(-1)).toBe('release')
})

it('that cannot be claimed ahead is claimed by the start, which says why there is none', async () => {
  refusals = 2
  await create()
  await eventually(async () => expect(await runningOf()).toMatchObject({ reason: 'AddressUnavailable', message: 'none is free' }))
  await eventually(async () => expect(await runningOf()).toMatchObject({ status: 'True' }))
  expect(happened.slice(0, 4)).toEqual(['claim, noted', 'claim, noted', 'claim, noted', 'start 172.30.0.2'])
  await remove()
})
