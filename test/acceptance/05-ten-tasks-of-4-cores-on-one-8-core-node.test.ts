/**
 * Acceptance check 5: ten Tasks of 4 cores on one 8-core node, as processes, in containers and in microVMs: 2 run, 8 wait Pending with the
 * reason, all finish; pausing does not free memory.
 */
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { memoryBytes } from '../../lib/api/quantity.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import type { Fleet } from '../processes/fleet.js'
import { freePort } from '../processes/free-port.js'
import { startMixedNode } from '../processes/mixed-node.js'
import { createOwner } from '../processes/owner.js'

const patience = { timeoutMs: 240_000, intervalMs: 100 }
const lacksCpu = /0 of 1 node fits: n0 lacks cpu \(asks 4, 0 free\)/
const lacksMemory = /n0 lacks memory/

describe.skipIf(withoutDocker || withoutQemu)('a node that is full', { timeout: 600_000 }, () => {
  const owner = createOwner('acceptance-5')
  const gateOf = (name: string) => path.join(owner.directory, `gate-${name}`)
  /** Ports of this machine by which microVMs are ended. */
  const ports = new Map<string, number>()
  let fleet: Fleet
  let engine: TestEngine

  beforeAll(async () => {
    ;({ fleet, engine } = await startMixedNode(owner, ['--cpus', '8', '--memory', '2Gi', '--cpu-factor', '1']))
  }, 240_000)
  afterAll(() => owner.end(), 120_000)

  const tasks = () => fleet.client.of(Task)
  const backends = ['docker', 'qemu', 'process'] as const

  /** What ends when its gate is open. */
  async function gated(backend: (typeof backends)[number], name: string, gate: string): Promise<TaskManifest['spec']> {
    const untilOpen = ['sh', '-c', `until [ -e ${gateOf(gate)} ]; do sleep 0.1; done`]
    if (backend === 'process') return { command: untilOpen }
    if (backend === 'docker')
      return {
        image: engine.image,
        imagePullPolicy: 'Never',
        command: untilOpen,
        volumes: [{ name: 'gates', hostPath: { path: owner.directory } }],
        volumeMounts: [{ name: 'gates', mountPath: owner.directory, readOnly: true }],
      }
    ports.set(name, await freePort())
    const port = { port: 80, hostPort: ports.get(name) ?? 0 }
    return { backend, image: 'busybox', command: ['sh', '-c', 'nc -l -p 80'], ports: [port] }
  }
  async function create(backend: (typeof backends)[number], name: string, requests: Record<string, string>, gate = name): Promise<void> {
    await tasks().create({ metadata: { name }, spec: { ...(await gated(backend, name, gate)), resources: { requests } } })
  }
  const open = (name: string) => writeFileSync(gateOf(name), '')
  /** Whichever microVM runs is ended by a connection. */
  const endMicrovms = () => {
    for (const port of ports.values())
      net
        .connect(port, '127.0.0.1', function (this: net.Socket) {
          this.destroy()
        })
        .on('error', () => {})
  }

  async function phases(): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {}
    for (const { metadata, status } of (await tasks().list()).items) {
      const phase = status?.phase ?? 'Pending'
      found[phase] = [...(found[phase] ?? []), metadata.name].sort()
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
  /** Of what the node has to give. */
  const share = async (part: number) => {
    const { allocatable } = (await fleet.client.of(Node).get({ name: 'n0' })).status ?? {}
    return String(Math.floor(memoryBytes(allocatable?.memory ?? 0) * part))
  }

  it('acceptance check 5: two run and eight wait, each told why; paused ones keep what they have; all finish', async () => {
    expect((await fleet.client.of(Node).get({ name: 'n0' })).status).toMatchObject({ capacity: { cpu: '8' }, cpuFactor: 1 })
    const names = Array.from({ length: 10 }, (_, index) => `t${index}`)
    const memory = await share(0.4)
    const running = names.slice(0, 2)
    // A container and a microVM first; then two of each, and more processes.
    for (const [index, name] of names.entries()) {
      const backend = index < 5 ? (backends[index % 3] ?? 'process') : 'process'
      await create(backend, name, { cpu: '4', memory: index < 2 ? memory : backend === 'qemu' ? '256Mi' : '1Mi' }, 'all')
      if (index === 1) for (const first of running) await inPhase(first, 'Running')
    }
    await eventually(async () => expect(await phases()).toEqual({ Running: running, Pending: names.slice(2) }), patience)
    for (const name of names.slice(2)) await waitsBecause(name, lacksCpu)

    const suspend = (value: boolean) => Promise.all(running.map((name) => tasks().mergePatch({ name }, { spec: { suspend: value } })))
    await suspend(true)
    for (const name of running) await inPhase(name, 'Paused')
    await create('process', 'late', { cpu: '4' }, 'all')
    await waitsBecause('late', lacksCpu)
    await create('process', 'large', { memory: await share(0.3) }, 'all')
    await waitsBecause('large', lacksMemory)
    await suspend(false)
    open('all')
    await eventually(async () => {
      endMicrovms()
      expect(await phases()).toEqual({ Succeeded: [...names, 'late', 'large'].sort() })
    }, patience)
  })

  it('a process that is paused keeps its memory', async () => {
    const memory = await share(0.6)
    await create('process', 'first', { memory })
    await inPhase('first', 'Running')
    await tasks().mergePatch({ name: 'first' }, { spec: { suspend: true } })
    await inPhase('first', 'Paused')
    await create('process', 'second', { memory })
    await waitsBecause('second', lacksMemory)
    await tasks().mergePatch({ name: 'first' }, { spec: { suspend: false } })
    open('first')
    await inPhase('first', 'Succeeded')
    open('second')
    await inPhase('second', 'Succeeded')
  })
})
