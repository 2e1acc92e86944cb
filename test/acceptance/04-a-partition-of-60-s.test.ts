/**
 * Acceptance check 4: a node is cut off from the API server for 60 s: it is NotReady, and each of its Tasks, as processes, in a container
 * and in a microVM, is rescheduled once or kept, as it says itself; never do two copies of one run. In the short form the node's Lease is
 * shortened once it is cut off, the partition lasts until all of it was seen, and microVMs are there for the main cases.
 */
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Lease, nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { unreachableTaint } from '../../lib/api/taint-toleration.js'
import { microTimestamp } from '../../lib/base/clock.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { makeMicrovmImage } from '../../nodeagent/backends/qemu/fixtures/microvm-image.js'
import { type ContainerWitness, watchContainers } from '../faults/container-witness.js'
import { createMicrovmWitness, type MicrovmWitness } from '../faults/microvm-witness.js'
import { createWitness, type Witness } from '../faults/witness.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { freePort } from '../processes/free-port.js'
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
type Class = 'process' | 'docker' | 'qemu'
const classes: readonly Class[] = ['process', ...(withoutDocker ? [] : (['docker'] as const)), ...(withoutQemu ? [] : (['qemu'] as const))]
/** A guest takes a processor for seconds to boot. */
const shortInGuests: ReadonlySet<string> = new Set(['kept', 'moves', 'moves-ends'])

/** The Task of each case in each class. */
const tasks = cases.flatMap((each) =>
  classes
    .filter((backend) => long || backend !== 'qemu' || shortInGuests.has(each.name))
    .map((backend) => ({ ...each, backend, name: `${each.name}-${backend}` })),
)

describe('acceptance check 4: a node that is cut off', { timeout: 400_000 }, () => {
  const owner = createOwner('acceptance-4')
  let fleet: Fleet
  let witness: Witness
  let containers: ContainerWitness | undefined
  let microvms: MicrovmWitness | undefined
  let image: string | undefined
  /** Of microVMs, by the names of their Tasks. */
  const uids = new Map<string, string>()
  const ports = new Map<string, number>()

  beforeAll(async () => {
    const flags: string[] = []
    if (!withoutDocker) {
      const engine = await startTestEngine()
      owner.defer(() => engine.close())
      image = engine.image
      flags.push('--docker-socket', engine.socketPath, '--network', 'none')
      containers = await watchContainers(engine.socketPath)
    }
    if (!withoutQemu) {
      const images = path.join(owner.directory, 'images')
      await makeMicrovmImage(images)
      microvms = createMicrovmWitness(owner.directory)
      flags.push('--image-dir', images, '--qemu-binary', microvms.program)
      for (const { name } of tasks.filter(({ backend, ends }) => backend === 'qemu' && ends)) ports.set(name, await freePort())
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
  const attemptsOf = (name: string, backend: Class) => {
    const starts = { process: witness, docker: containers, qemu: microvms }[backend]?.starts(uids.get(name) ?? name) ?? []
    return starts.map(({ attempt }) => attempt)
  }
  const nameOf = (uid: string) => [...uids].find(([, of]) => of === uid)?.[0] ?? uid
  const runBy = (name: string, backend: Class): Partial<TaskManifest['spec']> => {
    if (backend === 'process') return { command: witness.command(name) }
    if (backend === 'docker') return { image, imagePullPolicy: 'Never', command: containers?.command }
    const hostPort = ports.get(name)
    const inGuest = { backend, image: 'busybox' } as const
    return hostPort === undefined
      ? { ...inGuest, command: ['sleep', '86400'] }
      : { ...inGuest, command: ['sh', '-c', 'nc -l -p 80; exit 0'], ports: [{ port: 80, hostPort }] }
  }
  /** Lets what runs of the Task end with 0. */
  const end = async (name: string, backend: Class): Promise<void> => {
    if (backend === 'process') return witness.end(name, 0)
    if (backend === 'docker') return containers?.end(name)
    // A connection ends it, once its QEMU has begun to take some; when none is taken any more, it has ended.
    const port = ports.get(name) ?? 0
    await eventually(() => connectTo(port), patience)
    await eventually(() => expect(connectTo(port)).rejects.toThrow('ECONNREFUSED'), patience)
  }

  it('is NotReady, and nothing of it is begun elsewhere while nobody knows what it does', async () => {
    await Promise.all(
      tasks.map(async ({ name, spec, backend }) => {
        const { metadata } = await fleet.client.of(Task).create({
          metadata: { namespace: 'default', name },
          spec: { ...runBy(name, backend), nodeName: 'n0', terminationGracePeriodSeconds: 5, ...spec },
        })
        if (backend === 'qemu') uids.set(name, metadata.uid)
      }),
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
    await Promise.all(tasks.filter(({ ends }) => ends).map(({ name, backend }) => end(name, backend)))

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
    const inGuests = (what: 'alive' | 'doubled') => microvms?.[what]().map(nameOf) ?? []
    const alive = () => [...witness.alive(), ...(containers?.alive() ?? []), ...inGuests('alive')].sort()
    const doubled = () => [...witness.doubled(), ...(containers?.doubled() ?? []), ...inGuests('doubled')]
    await eventually(() => expect([doubled(), alive()]).toEqual([[], running.sort()]), patience)
    for (const { name, backend, after } of tasks) expect([name, attemptsOf(name, backend)]).toEqual([name, after.attempts])
  })
})

async function connectTo(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
}
