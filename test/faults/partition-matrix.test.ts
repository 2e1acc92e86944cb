/**
 * Programs cut off from the API server, in every way that a network fails, while their Tasks end, fail, are deleted and are evicted: when
 * it is whole again, each Task is where it should be, was started exactly as often as it should be, and never ran twice at once. A run is
 * one cut of one program. The long form: 204 runs of 5, 45 and 120 s, in 17 rounds of 12 at once; nodes fall silent and lose Tasks.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { unreachableTaint } from '../../lib/api/taint-toleration.js'
import { eventually } from '../../lib/testing/eventually.js'
import { linkFaults } from '../processes/faulty-link.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'
import { createWitness, type Start, type Witness } from './witness.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
/** Half of the nodes are cut in a long round: more would count as an outage, in which nobody is evicted. */
const [rounds, nodes, cutNodes, standbys] = long ? [17, 20, 10, 2] : [1, 3, 3, 1]
const cutSeconds = long ? [5, 45, 120] : [4]

const restartPolicies = ['Never', 'OnFailure', 'Always'] as const
const lossPolicies = ['Keep', 'Reschedule'] as const
const fates = ['goes on', 'ends well', 'ends badly', 'is deleted'] as const

interface Case {
  readonly name: string
  /** Undefined: it is born during the cut, and the scheduler chooses. */
  readonly node: string | undefined
  readonly restartPolicy: (typeof restartPolicies)[number]
  readonly onNodeLost: (typeof lossPolicies)[number]
  readonly fate: (typeof fates)[number]
  /** Whether the cut may cost it its node. */
  readonly mayMove: boolean
}

const emptied = { key: 'test', value: 'emptied', effect: 'NoExecute' } as const

const owner = createOwner('partition')
let fleet: Fleet
let witness: Witness

beforeAll(async () => {
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`)
  fleet = await startFleet(owner, { nodes: names, schedulers: standbys, controllerManagers: standbys })
  witness = createWitness(owner.directory)
}, 240_000)
afterAll(async () => {
  witness?.close()
  await owner.end()
}, 60_000)

describe('a network that fails', () => {
  for (let round = 0; round < rounds; round++) {
    const seconds = cutSeconds[round % cutSeconds.length] ?? 0
    it(`for ${seconds} s leaves every Task where it should be (round ${round + 1} of ${rounds})`, { timeout: 400_000 }, async () => {
      const cut = Array.from({ length: cutNodes }, (_, index) => `n${(round * cutNodes + index) % nodes}`)
      const programs = [`scheduler-${round % standbys}`, `controller-manager-${round % standbys}`]
      const cases = casesOf(round, cut)
      const bound = cases.filter(({ node }) => node !== undefined)
      await Promise.all(bound.map(create))
      await eventually(() => allAre(bound, 'Running'), { timeoutMs: 90_000, intervalMs: 200 })

      const links = [...cut, ...programs].map((name) => fleet.member(name).link)
      for (const [index, link] of links.entries()) link?.fail(linkFaults[(round + index) % linkFaults.length] ?? 'silent')
      const healed = new Promise((resolve) => setTimeout(resolve, seconds * 1000))
      await Promise.all(cases.map(meet))
      if (!long) await taint(cut, [emptied])
      await healed
      for (const link of links) link?.heal()
      if (!long) {
        await eventually(() => evicted(cases), { timeoutMs: 60_000, intervalMs: 200 })
        await taint(cut, [])
      }

      await eventually(() => Promise.all(cases.map(settled)), { timeoutMs: 180_000, intervalMs: 500 })
      expect(witness.doubled()).toEqual([])
      await Promise.all(cases.map(({ name }) => remove(name)))
      await eventually(async () => expect((await fleet.client.of(Task).list()).items).toEqual([]), { timeoutMs: 60_000, intervalMs: 200 })
      expect(witness.alive()).toEqual([])
    })
  }
})

/** Each policy on each cut node, with another fate each time; and some that are born meanwhile. */
function casesOf(round: number, cut: readonly string[]): Case[] {
  const bound = cut.flatMap((node, nodeIndex) =>
    restartPolicies.flatMap((restartPolicy, policyIndex) =>
      lossPolicies.map((onNodeLost, lossIndex): Case => {
        const fate = fates[(round + nodeIndex + 2 * policyIndex + lossIndex) % fates.length] ?? 'goes on'
        const mayMove = onNodeLost === 'Reschedule' && (nodeIndex + policyIndex) % 3 !== 0
        return { name: `r${round}-${node}-${policyIndex}${lossIndex}`, node, restartPolicy, onNodeLost, fate, mayMove }
      }),
    ),
  )
  const born = cut.map(
    (_, index): Case => ({
      name: `r${round}-born-${index}`,
      node: undefined,
      restartPolicy: 'Never',
      onNodeLost: 'Keep',
      fate: 'goes on',
      mayMove: false,
    }),
  )
  return [...bound, ...born]
}

async function create({ name, node, restartPolicy, onNodeLost, mayMove }: Case): Promise<void> {
  const forEver = { key: emptied.key, operator: 'Exists' } as const
  const hardly = { key: unreachableTaint, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 } as const
  await fleet.client.of(Task).create({
    metadata: { namespace: 'default', name },
    spec: {
      command: witness.command(name),
      ...(node === undefined ? {} : { nodeName: node }),
      restartPolicy,
      onNodeLost,
      terminationGracePeriodSeconds: 5,
      tolerations: mayMove ? [hardly] : [forEver],
    },
  })
}

/** What happens to it while its node is cut off. */
async function meet(each: Case): Promise<void> {
  if (each.node === undefined) await create(each)
  else if (each.fate === 'ends well') witness.end(each.name, 0)
  else if (each.fate === 'ends badly') witness.end(each.name, 3)
  else if (each.fate === 'is deleted') await remove(each.name)
}

async function remove(name: string): Promise<void> {
  try {
    await fleet.client.of(Task).delete({ namespace: 'default', name })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

async function taint(names: readonly string[], taints: readonly (typeof emptied)[]): Promise<void> {
  for (const name of names) await fleet.client.of(Node).mergePatch({ name }, { spec: { taints: taints.length > 0 ? taints : null } })
}

const find = async (name: string): Promise<Task | undefined> => {
  try {
    return await fleet.client.of(Task).get({ namespace: 'default', name })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function allAre(cases: readonly Case[], phase: string): Promise<void> {
  const tasks = await Promise.all(cases.map(({ name }) => find(name)))
  expect(
    cases.flatMap(({ name }, index) => (tasks[index]?.status?.phase === phase ? [] : [`${name}: ${tasks[index]?.status?.phase}`])),
  ).toEqual([])
}

/** Whether all that must leave their node have been told, or have left it, or have ended. */
async function evicted(cases: readonly Case[]): Promise<void> {
  const told = async ({ name }: Case) => {
    const task = await find(name)
    const conditions = task?.status?.conditions ?? []
    const isTold = (task?.status?.attempt ?? 0) > 0 || conditions.some(({ type }) => type === 'DisruptionTarget' || type === 'Complete')
    return isTold ? [] : [name]
  }
  const movers = cases.filter(({ mayMove, fate }) => mayMove && fate !== 'is deleted')
  expect((await Promise.all(movers.map(told))).flat()).toEqual([])
}

/** Whether it is as it should be in the end. */
async function settled(each: Case): Promise<void> {
  const { name, restartPolicy, fate, mayMove, node } = each
  const task = await find(name)
  const starts = witness.starts(name)
  if (fate === 'is deleted') {
    expect({ name, task, starts: starts.length }).toEqual({ name, task: undefined, starts: 1 })
    return
  }
  const attempt = task?.status?.attempt ?? 0
  const restarted = (fate === 'ends badly' && restartPolicy !== 'Never') || (fate === 'ends well' && restartPolicy === 'Always')
  const hasEnded = fate !== 'goes on' && !restarted && attempt === 0
  const phase = hasEnded ? (fate === 'ends well' ? 'Succeeded' : 'Failed') : 'Running'
  expect({ name, phase: task?.status?.phase, attempt }).toEqual({ name, phase, attempt: mayMove ? Math.min(attempt, 1) : 0 })
  if (fate === 'ends well' && restartPolicy !== 'Always') expect({ name, attempt }).toEqual({ name, attempt: 0 })
  // An eviction may come before the restart of a run that ended.
  const first = restarted && attempt === 0 ? [2] : restarted ? [1, 2] : [1]
  expect({ name, of: first, starts: startsOf(starts, 0) }).toSatisfy(({ of, starts: count }) => of.includes(count))
  if (attempt > 0) expect({ name, starts: startsOf(starts, 1) }).toEqual({ name, starts: (task?.status?.restarts ?? 0) + 1 })
  if (attempt === 0 && node !== undefined) expect({ name, node: task?.spec.nodeName }).toEqual({ name, node })
}

const startsOf = (starts: readonly Start[], attempt: number) => starts.filter((start) => start.attempt === attempt).length
