/** Acceptance check 3: the agent is killed with -9 during a Task: its exit code and its log are still reported after the restart. */
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Task } from '../../lib/api/kinds/task.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const owner = createOwner('acceptance-3')
const gate = path.join(owner.directory, 'gate')
const patience = { timeoutMs: 60_000, intervalMs: 100 }
let fleet: Fleet

beforeAll(async () => {
  // Tasks may have users of their own, and look for the gate.
  chmodSync(owner.directory, 0o711)
  fleet = await startFleet(owner, { nodes: ['n0'] })
}, 240_000)
afterAll(() => owner.end(), 120_000)

/** Says something before and after the gate opens, and ends with 7. */
const script = `echo before; until [ -e ${gate} ]; do sleep 0.1; done; echo after; exit 7`

it('a Task that ends while no agent is there, and one that goes on until the next one comes', async () => {
  const tasks = fleet.client.of(Task)
  const agent = fleet.member('n0')
  await tasks.create({ metadata: { name: 'ends' }, spec: { command: ['sh', '-c', script] } })
  await tasks.create({ metadata: { name: 'goes-on' }, spec: { command: ['sleep', '600'] } })
  const startsOf = async (name: string) => {
    const { status } = await tasks.get({ name })
    expect(status?.phase).toBe('Running')
    return { runtimeId: status?.runtimeId, startedAt: status?.startedAt }
  }
  await eventually(() => startsOf('ends'), patience)
  const before = await eventually(() => startsOf('goes-on'), patience)

  await agent.program.stop('SIGKILL')
  writeFileSync(gate, '')
  await agent.restart()

  await eventually(async () => {
    expect((await tasks.get({ name: 'ends' })).status).toMatchObject({ phase: 'Failed', exitCode: 7 })
  }, patience)
  expect((await tasks.get({ name: 'ends' })).status?.restarts ?? 0).toBe(0)
  await eventually(async () => expect(await fleet.kubectl('logs', 'ends')).toBe('before\nafter\n'), patience)
  expect(await startsOf('goes-on')).toEqual(before)
}, 240_000)
