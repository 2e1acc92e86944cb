/**
 * Two schedulers and two controller-managers, of which leaders are killed while Tasks come, end and are evicted: each Task is bound once,
 * and started as often as it should be. The long form: 40 kills.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Lease } from '../../lib/api/kinds/lease.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'
import { createWitness, type Witness } from './witness.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const kills = long ? 40 : 2
const tasksEach = 6

const owner = createOwner('two-of-each')
let fleet: Fleet
let witness: Witness

beforeAll(async () => {
  fleet = await startFleet(owner, { nodes: ['n0', 'n1'], schedulers: 2, controllerManagers: 2 })
  witness = createWitness(owner.directory)
}, 240_000)
afterAll(async () => {
  witness?.close()
  await owner.end()
}, 60_000)

const tasks = () => fleet.client.of(Task)
const holderOf = async (lease: string) =>
  (await fleet.client.of(Lease).get({ namespace: 'kube-system', name: lease })).spec.holderIdentity ?? ''
const taint = (name: string, taints: readonly object[] | null) => fleet.client.of(Node).mergePatch({ name }, { spec: { taints } })

it(`${kills} kills of leaders bind and start each Task once for each attempt`, { timeout: 60_000 + kills * 60_000 }, async () => {
  const moved = new Set<string>()
  const names: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    const program = kill % 2 === 0 ? 'scheduler' : 'controller-manager'
    const before = await holderOf(`millrace-${program}`)
    const fresh = Array.from({ length: tasksEach }, (_unused, number) => `k${kill}-${number}`)
    names.push(...fresh)
    const creating = fresh.map((name) =>
      tasks().create({
        metadata: { namespace: 'default', name },
        spec: { command: witness.command(name), onNodeLost: 'Reschedule', terminationGracePeriodSeconds: 5 },
      }),
    )
    const emptied = `n${kill % 2}`
    if (program === 'controller-manager') {
      await Promise.all(creating)
      await eventually(() => allRun(names), { timeoutMs: 60_000, intervalMs: 200 })
      for (const task of (await tasks().list()).items) if (task.spec.nodeName === emptied) moved.add(task.metadata.name)
      await taint(emptied, [{ key: 'test', value: 'emptied', effect: 'NoExecute' }])
    }
    // Which of the two leads is not known from outside: both die, one after the other, and come back.
    for (const number of [0, 1]) {
      const member = fleet.member(`${program}-${number}`)
      await member.program.stop('SIGKILL')
      await member.restart()
    }
    await Promise.all(creating)
    await eventually(() => allRun(names), { timeoutMs: 90_000, intervalMs: 200 })
    await eventually(async () => expect(await holderOf(`millrace-${program}`)).not.toBe(before), { timeoutMs: 60_000, intervalMs: 200 })
    if (program === 'controller-manager') {
      await eventually(async () => expect(await onNode(emptied)).toEqual([]), { timeoutMs: 60_000, intervalMs: 200 })
      await eventually(() => allRun(names), { timeoutMs: 90_000, intervalMs: 200 })
      await taint(emptied, null)
    }
  }
  expect(moved.size).toBeGreaterThan(0)
  for (const task of (await tasks().list()).items) {
    const { name } = task.metadata
    const starts = witness.starts(name)
    expect({ name, attempts: starts.map(({ attempt }) => attempt) }).toEqual({
      name,
      attempts: Array.from({ length: (task.status?.attempt ?? 0) + 1 }, (_unused, attempt) => attempt),
    })
    expect({ name, node: starts.at(-1)?.node }).toEqual({ name, node: task.spec.nodeName })
    if (!moved.has(name)) expect({ name, starts: starts.length }).toEqual({ name, starts: 1 })
  }
  expect(witness.doubled()).toEqual([])
})

async function allRun(names: readonly string[]): Promise<void> {
  const running = (await tasks().list()).items.filter(({ status }) => status?.phase === 'Running').map(({ metadata }) => metadata.name)
  expect(running.sort()).toEqual([...names].sort())
}

const onNode = async (node: string) =>
  (await tasks().list()).items.filter(({ spec }) => spec.nodeName === node).map(({ metadata }) => metadata.name)
