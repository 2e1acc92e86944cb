/**
 * Acceptance check 1: an image that takes ten minutes to come: its object stays in Pulling and ends Succeeded; nothing fails meanwhile. A
 * container image by a throttled registry, a disk image by a throttled server. The long form takes the ten minutes, and the agent is killed
 * on the way. The short form takes seconds, and the agent's deadlines are as many times as short.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { createInformer } from '../../lib/client/informer/informer.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { startTestRegistry, type TestRegistry } from '../../nodeagent/backends/docker/fixtures/test-registry.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { ImageServer } from '../../nodeagent/backends/qemu/fixtures/image-server.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
/** The usual deadline of a step, 120 s, is over by then, hurried or not. */
const [pullMs, hurry] = long ? [600_000, 1] : [8_000, 20]
const patience = { timeoutMs: pullMs * 2 + 120_000, intervalMs: 100 }

describe.skipIf(withoutDocker || withoutQemu)('an image that takes long', { timeout: pullMs * 3 + 240_000 }, () => {
  const owner = createOwner('acceptance-1')
  let fleet: Fleet
  let registry: TestRegistry
  let server: ImageServer
  let checksum: string
  /** What was seen of each object, each once, in order. */
  const seen = new Map<string, string[]>()
  const watching = new AbortController()

  beforeAll(async () => {
    const engine = await startTestEngine()
    owner.defer(() => engine.close())
    registry = await startTestRegistry({ slowMs: pullMs })
    owner.defer(() => registry.close())
    const disk = await diskImage()
    checksum = `sha256:${createHash('sha256').update(disk).digest('hex')}`
    server = await ImageServer.listen(disk)
    server.slowMs = pullMs
    owner.defer(() => server.close())
    const authority = path.join(owner.directory, 'image-ca.pem')
    writeFileSync(authority, server.ca)
    fleet = await startFleet(owner, {
      nodes: ['n0'],
      backends: ['docker', 'qemu'],
      agentFlags: () => ['--docker-socket', engine.socketPath, '--network', 'none', '--image-networks', '127.0.0.1/32'],
      agentEnv: {
        NODE_EXTRA_CA_CERTS: authority,
        NODE_OPTIONS: `--import ${path.join(import.meta.dirname, 'hurried-deadlines.mjs')}`,
        MILLRACE_TEST_HURRY: String(hurry),
      },
    })
    follow()
  }, 240_000)
  afterAll(async () => {
    watching.abort()
    await owner.end()
  }, 120_000)

  /** A disk with nothing to boot. */
  async function diskImage(): Promise<Buffer> {
    const [raw, disk] = ['disk.raw', 'disk.qcow2'].map((name) => path.join(owner.directory, name))
    writeFileSync(raw ?? '', randomBytes(1 << 20))
    await promisify(execFile)('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw ?? '', disk ?? ''])
    return readFileSync(disk ?? '')
  }

  function follow(): void {
    const note = (name: string, now: string) => {
      const before = seen.get(name) ?? []
      if (before.at(-1) !== now) seen.set(name, [...before, now])
    }
    const nodes = createInformer(fleet.client, Node)
    const ready = (node: Node) => note('node', findCondition(node, 'Ready')?.status ?? '')
    nodes.subscribe({ add: ready, update: ready })
    void nodes.start(watching.signal)
    for (const kind of [Task, Vps] as const) {
      const informer = createInformer(fleet.client, kind as typeof Task)
      const noted = (object: Task | Vps) =>
        note(
          object.metadata.name,
          [object.status?.phase ?? 'Pending', findCondition(object, 'ImageReady')?.reason].filter(Boolean).join(' '),
        )
      informer.subscribe({ add: noted, update: noted })
      void informer.start(watching.signal)
    }
  }

  it('acceptance check 1: is said to be pulled until it is there, and nothing fails', async () => {
    const [tasks, vpses] = [fleet.client.of(Task), fleet.client.of(Vps)]
    const image = `${registry.address}/slow:1`
    const small = { limits: { cpu: '1', memory: '128Mi' } }
    // Its deadline is shorter than the pull, and begins when it does.
    const activeDeadlineSeconds = Math.ceil((pullMs / 1000) * 0.75)
    await tasks.create({ metadata: { name: 'task' }, spec: { image, command: ['true'], activeDeadlineSeconds } })
    await vpses.create({ metadata: { name: 'container' }, spec: { image, resources: small } })
    await vpses.create({
      metadata: { name: 'machine' },
      spec: { backend: 'qemu', image: server.url, imageChecksum: checksum, resources: small },
    })
    const saysPulling = async (object: Task | Vps, words: RegExp) =>
      expect(findCondition(object, 'ImageReady')).toMatchObject({
        status: 'False',
        reason: 'Pulling',
        message: expect.stringMatching(words),
      })
    await eventually(async () => {
      await saysPulling(await tasks.get({ name: 'task' }), /^pulling .*slow:1: 0 of 1 layers$/)
      await saysPulling(await vpses.get({ name: 'container' }), /^pulling .*slow:1: 0 of 1 layers$/)
      await saysPulling(await vpses.get({ name: 'machine' }), /^fetched /)
    }, patience)
    if (long) {
      await new Promise((resolve) => setTimeout(resolve, pullMs / 3))
      await fleet.member('n0').program.stop('SIGKILL')
      await fleet.member('n0').restart()
    }

    const inPhase = (phase: string) => async (object: Promise<Task | Vps>) => expect((await object).status?.phase).toBe(phase)
    await eventually(() => inPhase('Succeeded')(tasks.get({ name: 'task' })), patience)
    for (const name of ['container', 'machine']) await eventually(() => inPhase('Running')(vpses.get({ name })), patience)

    const ways = Object.fromEntries(seen)
    expect(ways.task).toSatisfy((way: string[]) => isPullThen(way, /^(Preparing|Running|Succeeded) Present$/), String(ways.task))
    for (const name of ['container', 'machine'])
      expect(ways[name]).toSatisfy((way: string[]) => isPullThen(way, /^(Provisioning|Running) Present$/), String(ways[name]))
    expect(ways.node).toEqual(['True'])
    const { items } = await fleet.client.of(Event).list({ namespace: 'default', fieldSelector: 'type=Warning' })
    expect(items.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([])
    expect((await tasks.get({ name: 'task' })).status?.restarts ?? 0).toBe(0)
  })
})

/** Whether an object was bound, then pulled its image, and then nothing but what is to follow. */
function isPullThen(way: readonly string[], after: RegExp): boolean {
  const pulling = way.findIndex((step) => /^(Preparing|Provisioning) Pulling$/.test(step))
  const before = way.slice(0, pulling)
  return (
    pulling >= 0 &&
    before.every((step) => /^(Pending|Assigned|Provisioning|Preparing)$/.test(step)) &&
    way.slice(pulling + 1).every((step) => after.test(step))
  )
}
