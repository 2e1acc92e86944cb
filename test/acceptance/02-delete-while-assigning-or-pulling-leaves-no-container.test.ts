/**
 * Acceptance check 2: what is deleted while it is assigned, or while its image is pulled, leaves no container, virtual
 * machine or file on any node, with the API server, the scheduler or the agents killed (-9) at that point. The long form
 * kills each at each point, before and after the deletion is asked for.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition, isConditionTrue } from '../../lib/api/condition.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { startTestRegistry, type TestRegistry } from '../../nodeagent/backends/docker/fixtures/test-registry.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { ImageServer } from '../../nodeagent/backends/qemu/fixtures/image-server.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const patience = { timeoutMs: 180_000, intervalMs: 50 }
/** Longer than the test. */
const pullMs = 3_600_000

const nodes = ['n0', 'n1']
const programs = { 'the API server': ['apiserver'], 'the scheduler': ['scheduler-0'], 'the agents': nodes } as const
type Victim = keyof typeof programs

describe.skipIf(withoutDocker || withoutQemu)('what is deleted before it runs', { timeout: 600_000 }, () => {
  const owner = createOwner('acceptance-2')
  let fleet: Fleet
  let engine: TestEngine
  let registry: TestRegistry
  let server: ImageServer
  let round = 0

  beforeAll(async () => {
    engine = await startTestEngine()
    owner.defer(() => engine.close())
    registry = await startTestRegistry({ slowMs: pullMs })
    owner.defer(() => registry.close())
    server = await ImageServer.listen(randomBytes(1 << 20))
    server.slowMs = pullMs
    owner.defer(() => server.close())
    const authority = path.join(owner.directory, 'image-ca.pem')
    writeFileSync(authority, server.ca)
    fleet = await startFleet(owner, {
      nodes,
      backends: ['docker', 'qemu'],
      agentFlags: () => ['--docker-socket', engine.socketPath, '--network', 'none', '--image-networks', '127.0.0.1/32'],
      agentEnv: { NODE_EXTRA_CA_CERTS: authority },
    })
  }, 240_000)
  afterAll(() => owner.end(), 120_000)

  /** Each with the name of its round. Resolves with their uids. */
  async function create(): Promise<string[]> {
    const [tasks, vpses] = [fleet.client.of(Task), fleet.client.of(Vps)]
    const slow = `${registry.address}/slow:1`
    const imageChecksum = `sha256:${createHash('sha256').update(server.bytes).digest('hex')}`
    const common = { terminationGracePeriodSeconds: 1, resources: { limits: { cpu: '100m', memory: '64Mi' } } }
    const command = ['sleep', '600']
    const made = [
      await tasks.create({ metadata: { name: `pulls-${round}` }, spec: { ...common, image: slow, command } }),
      // Its image is there: its container is made while the others pull.
      await tasks.create({
        metadata: { name: `begins-${round}` },
        spec: { ...common, image: engine.image, imagePullPolicy: 'Never', command },
      }),
      await vpses.create({ metadata: { name: `container-${round}` }, spec: { ...common, image: slow } }),
      await vpses.create({
        metadata: { name: `machine-${round}` },
        spec: { ...common, backend: 'qemu', image: server.url, imageChecksum },
      }),
    ]
    return made.map(({ metadata }) => metadata.uid)
  }
  const all = async (): Promise<(Task | Vps)[]> => [
    ...(await fleet.client.of(Task).list()).items,
    ...(await fleet.client.of(Vps).list()).items,
  ]
  const pulling = (object: Task | Vps) => findCondition(object, 'ImageReady')?.reason === 'Pulling'

  /** How far they have come when somebody is killed. */
  const points: Readonly<Record<string, () => Promise<void>>> = {
    'they were made': async () => {},
    'they were assigned': async () =>
      eventually(async () => expect((await all()).every((object) => isConditionTrue(object, 'Scheduled'))).toBe(true), patience),
    'their images were pulled': async () => eventually(async () => expect((await all()).filter(pulling)).toHaveLength(3), patience),
  }
  const remove = async () => {
    for (const name of ['pulls', 'begins']) await fleet.client.of(Task).delete({ name: `${name}-${round}` })
    for (const name of ['container', 'machine']) await fleet.client.of(Vps).delete({ name: `${name}-${round}` })
  }
  const docker = async (...words: string[]) => (await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...words])).stdout
  /** Whatever of the agents' files carries one of the uids. */
  const filesOf = (uids: readonly string[]) =>
    nodes.flatMap((node) =>
      readdirSync(fleet.nodeDirectory(node), { recursive: true, encoding: 'utf8' }).filter((file) =>
        uids.some((uid) => file.includes(uid)),
      ),
    )

  const table = Object.keys(programs).flatMap((victim) =>
    Object.keys(points).flatMap((point) => [
      [victim, point, 'after'] as const,
      // Nobody can ask a server that is dead.
      ...(victim === 'the API server' ? [] : [[victim, point, 'before'] as const]),
    ]),
  )
  const short = new Set([
    'the API server, their images were pulled, after',
    'the scheduler, they were made, before',
    'the agents, they were assigned, after',
    'the agents, their images were pulled, before',
  ])

  it.each(table.filter((row) => long || short.has(row.join(', '))))(
    'acceptance check 2: leaves nothing, with %s killed when %s, %s the deletion was asked for',
    async (victim, point, order) => {
      round++
      const uids = await create()
      await points[point]?.()
      const members = programs[victim as Victim].map((name) => fleet.member(name))
      const kill = () => Promise.all(members.map(({ program }) => program.stop('SIGKILL')))
      if (order === 'before') await kill()
      await remove()
      if (order === 'after') await kill()
      for (const member of members) await member.restart()

      await eventually(async () => {
        expect((await all()).map(({ metadata }) => metadata.name)).toEqual([])
        expect(await docker('ps', '-aq')).toBe('')
        expect(filesOf(uids)).toEqual([])
      }, patience)
    },
  )
})
