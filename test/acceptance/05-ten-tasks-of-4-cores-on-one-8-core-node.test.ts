/** Acceptance check 5: ten Tasks of 4 cores on one 8-core node: 2 run, 8 wait Pending with the reason, all finish; pausing does not free memory. */
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { memoryBytes } from '../../lib/api/quantity.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const owner = createOwner('acceptance-5')
const patience = { timeoutMs: 60_000, intervalMs: 100 }
let fleet: Fleet

beforeAll(async () => {
  // Tasks may have users of their own, and look for their gates.
  chmodSync(owner.directory, 0o711)
  fleet = await startFleet(owner, { nodes: ['n0'], agentFlags: () => ['--cpus', '8', '--cpu-factor', '1'] })
}, 240_000)
afterAll(() => owner.end(), 120_000)

const tasks = () => fleet.client.of(Task)
const gate = (name: string) => path.join(owner.directory, `gate-${name}`)

/** Ends when its gate is open. */
async function create(name: string, requests: Record<string, string>, waitsFor = name): Promise<void> {
  const command = ['sh', '-c', `until [ -e ${gate(waitsFor)} ]; do sleep 0.1; done`]
  await tasks().create({ metadata: { name }, spec: { command, resources: { requests } } })
}
const open = (name: string) => writeFileSync(gate(name), '')

async function phases(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const { metadata, status } of (await tasks().list()).items) {
    const phase = status?.phase ?? 'Pending'
    found[phase] = [...(found[phase] ?? []), metadata.name]
  }
  return found
}
const inPhase = (name: string, phase: string) =>
  eventually(async () => expect((await tasks().get({ name })).status?.phase).toBe(phase), patience)
const waitsBecause = (name: string, why: RegExp) =>
  eventually(async () => {
    const task = await tasks().get({ name })
    expect(task.status?.phase ?? 'Pending').toBe('Pending')
    expect(findCondition(task, 'Scheduled')).toMatchObject({ status: 'False', message: expect.stringMatching(why) })
  }, patience)

const lacksCpu = /0 of 1 node fits: n0 lacks cpu \(asks 4, 0 free\)/

it('two run and eight wait, each told why; paused ones keep what they have; all finish', async () => {
  expect((await fleet.client.of(Node).get({ name: 'n0' })).status).toMatchObject({ capacity: { cpu: '8' }, cpuFactor: 1 })
  const names = Array.from({ length: 10 }, (_, index) => `t${index}`)
  for (const name of names) await create(name, { cpu: '4' }, 'all')
  const running = await eventually(async () => {
    const { Running = [], Pending = [], ...others } = await phases()
    expect([Running.length, Pending.length, Object.keys(others)]).toEqual([2, 8, []])
    return Running
  }, patience)
  for (const name of names.filter((other) => !running.includes(other))) await waitsBecause(name, lacksCpu)

  const suspend = (value: boolean) => Promise.all(running.map((name) => tasks().mergePatch({ name }, { spec: { suspend: value } })))
  await suspend(true)
  for (const name of running) await inPhase(name, 'Paused')
  await create('late', { cpu: '4' }, 'all')
  await waitsBecause('late', lacksCpu)
  await suspend(false)
  open('all')
  await eventually(async () => expect(await phases()).toEqual({ Succeeded: expect.arrayContaining([...names, 'late']) }), patience)
}, 240_000)

it('a paused Task keeps its memory', async () => {
  const { allocatable } = (await fleet.client.of(Node).get({ name: 'n0' })).status ?? {}
  const memory = String(Math.floor(memoryBytes(allocatable?.memory ?? 0) * 0.6))
  await create('first', { memory })
  await inPhase('first', 'Running')
  await tasks().mergePatch({ name: 'first' }, { spec: { suspend: true } })
  await inPhase('first', 'Paused')
  await create('second', { memory })
  await waitsBecause('second', /n0 lacks memory/)
  await tasks().mergePatch({ name: 'first' }, { spec: { suspend: false } })
  open('first')
  await inPhase('first', 'Succeeded')
  open('second')
  await inPhase('second', 'Succeeded')
}, 240_000)
