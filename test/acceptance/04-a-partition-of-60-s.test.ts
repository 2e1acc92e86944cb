/**
 * Acceptance check 4: a node is cut off from the API server for 60 s: it is NotReady, and each of its Tasks, as processes and in a container, is rescheduled once
 * or kept, as it says itself; never do two copies of one run. In the short form the node's Lease is shortened once it is cut off, and the partition lasts until all
 * of it was seen.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Lease, nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { unreachableTaint } from '../../lib/api/taint-toleration.js'
import { microTimestamp } from '../../lib/base/clock.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { type ContainerWitness, watchContainers } from '../faults/container-witness.js'
import { createWitness, type Witness } from '../faults/witness.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const [cutMs, toleratedSeconds] = long ? [60_000, 5] : [0, 1]
const patience = { timeoutMs: 120_000, intervalMs: 200 }

const tolerations = [{ key: unreachableTaint, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: toleratedSeconds }] as const
const leaves = { tolerations: [...tolerations] }

interface Case {
  readonly says: string
  readonly name: string
  readonly spec: Partial<TaskManifest['spec']>
  /** What runs of it ends with 0 while the node is cut off. */
  readonly ends?: boolean
  /** Whether the cluster gives its node up while that is cut off. */
  readonly isTold: boolean
  readonly after: { readonly phase: string; readonly reason?: string; readonly attempts: readonly number[] }
}

const cases: readonly Case[] = [
  {
    says: 'one that is to be kept goes on as it is',
    name: 'kept',
    spec: { onNodeLost: 'Keep' },
    isTold: false,
    after: { phase: 'Running', attempts: [0] },
  },
  {
    says: 'one that is to be kept and ends meanwhile has ended',
    name: 'kept-ends',
    spec: { onNodeLost: 'Keep' },
    ends: true,
    isTold: false,
    after: { phase: 'Succeeded', attempts: [0] },
  },
  {
    says: 'one that may move goes on as it is: five minutes are not over',
    name: 'patient',
    spec: { onNodeLost: 'Reschedule' },
    isTold: false,
    after: { phase: 'Running', attempts: [0] },
  },
  {
    says: 'one that may move, and waits for less, is begun a second time, when the first is over',
    name: 'moves',
    spec: { onNodeLost: 'Reschedule', ...leaves },
    isTold: true,
    after: { phase: 'Running', attempts: [0, 1] },
  },
  {
    says: 'one that may move, and ends well meanwhile, is not begun again',
    name: 'moves-ends',
    spec: { onNodeLost: 'Reschedule', ...leaves },
    ends: true,
    isTold: true,
    after: { phase: 'Succeeded', attempts: [0] },
  },
  {
    says: 'one that is to be kept, and waits for less, is over',
    name: 'gives-up',
    spec: { onNodeLost: 'Keep', ...leaves },
    isTold: true,
    after: { phase: 'Failed', reason: 'Evicted', attempts: [0] },
  },
]

/** What runs them. */
const classes = withoutDocker ? (['process'] as const) : (['process', 'docker'] as const)
type Class = (typeof classes)[number]

/** The Task of each case in each class. */
const tasks = cases.flatMap((each) => classes.map((backend) => ({ ...each, backend, name: `${each.name}-${backend}` })))

describe('acceptance check 4: a node that is cut off', { timeout: 400_000 }, () => {
  const owner = createOwner('acceptance-4')
  let fleet: Fleet
  let witness: Witness
  let containers: ContainerWitness | undefined
  let image: string | undefined

  beforeAll(async () => {
    const flags: string[] = []
    if (!withoutDocker) {
      const engine = await startTestEngine()
      owner.defer(() => engine.close())
      image = engine.image
      flags.push('--docker-socket', engine.socketPath, '--network', 'none')
      containers = await watchContainers(engine.socketPath)
    }
    fleet = await startFleet(owner, { nodes: ['n0', 'n1'], backends: classes, agentFlags: () => flags })
    witness = createWitness(owner.directory)
  }, 240_000)
  afterAll(async () => {
    witness?.close()
    containers?.close()
    await owner.end()
  }, 60_000)

  const get = (name: string) => fleet.client.of(Task).get({ namespace: 'default', name })
  const node = () => fleet.client.of(Node).get({ name: 'n0' })
  /** Who judges a node does so when it changes, and else when its Lease could run out by what was known of it the last time. */
  const lookAgain = () =>
    fleet.client.of(Node).mergePatch({ name: 'n0' }, { metadata: { annotations: { 'test/looked-at': String(performance.now()) } } })
  const ready = async () => findCondition(await node(), 'Ready')?.status
  const startsOf = (name: string, backend: Class) => (backend === 'docker' ? containers?.starts(name) : witness.starts(name)) ?? []
  const attemptsOf = (name: string, backend: Class) => startsOf(name, backend).map(({ attempt }) => attempt)
  const runBy = (name: string, backend: Class): Partial<TaskManifest['spec']> =>
    backend === 'docker' ? { image, imagePullPolicy: 'Never', command: containers?.command } : { command: witness.command(name) }

  it('is NotReady, and nothing of it is begun elsewhere while nobody knows what it does', async () => {
    await Promise.all(
      tasks.map(({ name, spec, backend }) =>
        fleet.client.of(Task).create({
          metadata: { namespace: 'default', name },
          spec: { ...runBy(name, backend), nodeName: 'n0', terminationGracePeriodSeconds: 5, ...spec },
        }),
      ),
    )
    await eventually(async () => {
      for (const { name } of tasks) expect([name, (await get(name)).status?.phase]).toEqual([name, 'Running'])
    }, patience)
    const over = new Promise((resolve) => setTimeout(resolve, cutMs))
    fleet.member('n0').link?.fail('silent')
    // Not before it is cut off: a Lease that is short runs out on a loaded machine.
    if (!long) {
      const spec = { leaseDurationSeconds: 1, renewTime: microTimestamp(Date.now()) }
      await fleet.client.of(Lease).mergePatch({ namespace: nodeLeaseNamespace, name: 'n0' }, { spec })
    }
    for (const { name, backend } of tasks.filter(({ ends }) => ends)) {
      if (backend === 'docker') await containers?.end(name)
      else witness.end(name, 0)
    }

    await eventually(async () => {
      if (!long) await lookAgain()
      expect(await ready()).toBe('Unknown')
    }, patience)
    expect((await node()).spec.taints).toContainEqual(expect.objectContaining({ key: unreachableTaint, effect: 'NoExecute' }))
    await eventually(async () => {
      for (const { name, isTold } of tasks)
        expect([name, findCondition(await get(name), 'DisruptionTarget')?.status === 'True']).toEqual([name, isTold])
    }, patience)
    await over
    for (const { name, backend } of tasks) expect([name, attemptsOf(name, backend)]).toEqual([name, [0]])
    fleet.member('n0').link?.heal()
    await eventually(async () => expect(await ready()).toBe('True'), patience)
    await eventually(async () => expect((await node()).spec.taints ?? []).toEqual([]), patience)
  })

  it.each(tasks.map((each) => [each.backend, each.says, each] as const))('%s: %s', async (_backend, _says, { name, backend, after }) => {
    await eventually(async () => {
      const task = await get(name)
      expect([task.status?.phase, attemptsOf(name, backend)]).toEqual([after.phase, after.attempts])
      if (after.reason) expect(findCondition(task, 'Complete')?.reason).toBe(after.reason)
    }, patience)
  })

  it('never ran two copies of one', async () => {
    const running = tasks.filter(({ after }) => after.phase === 'Running').map(({ name }) => name)
    const alive = () => [...witness.alive(), ...(containers?.alive() ?? [])].sort()
    const doubled = () => [...witness.doubled(), ...(containers?.doubled() ?? [])]
    await eventually(() => expect([doubled(), alive()]).toEqual([[], running.sort()]), patience)
    for (const { name, backend, after } of tasks) expect([name, attemptsOf(name, backend)]).toEqual([name, after.attempts])
  })
})
