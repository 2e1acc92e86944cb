/**
 * Acceptance check 3: the agent is killed with -9 during a Task, as processes, in a container and in a microVM:
 * its exit code and its log are still reported after the restart.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import type { Fleet } from '../processes/fleet.js'
import { freePort } from '../processes/free-port.js'
import { startMixedNode } from '../processes/mixed-node.js'
import { createOwner } from '../processes/owner.js'

const patience = { timeoutMs: 240_000, intervalMs: 100 }

describe.skipIf(withoutDocker || withoutQemu)('an agent that is killed during a Task', { timeout: 600_000 }, () => {
  const owner = createOwner('acceptance-3')
  const gate = path.join(owner.directory, 'gate')
  let fleet: Fleet
  let engine: TestEngine
  let port: number

  beforeAll(async () => {
    ;({ fleet, engine } = await startMixedNode(owner))
    port = await freePort()
  }, 240_000)
  afterAll(() => owner.end(), 120_000)

  /** Says something before and after the gate opens, and ends with 7. */
  const says = (untilOpen: string) => ['sh', '-c', `echo before; ${untilOpen}; echo after; exit 7`]
  const untilThere = (file: string) => `until [ -e ${file} ]; do sleep 0.1; done`
  const container = () => ({ image: engine.image, imagePullPolicy: 'Never' }) as const

  /** By name: Tasks that end while no agent is there, and what lets them. */
  const ending: Record<string, { readonly spec: () => TaskManifest['spec']; readonly open: () => Promise<void> }> = {
    processes: {
      spec: () => ({ command: says(untilThere(gate)) }),
      open: async () => writeFileSync(gate, ''),
    },
    container: {
      spec: () => ({ ...container(), command: says(untilThere('/gate')) }),
      open: async () => {
        const docker = (...words: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...words])
        const { stdout } = await docker('ps', '-q', '--filter', 'label=millrace.dev/name=container')
        await docker('exec', stdout.trim(), 'touch', '/gate')
      },
    },
    microvm: {
      spec: () => ({ backend: 'qemu', image: 'busybox', command: says('nc -l -p 80'), ports: [{ port: 80, hostPort: port }] }),
      // A connection ends it; when none is taken any more, it has ended.
      open: () => eventually(() => expect(connectTo(port)).rejects.toThrow('ECONNREFUSED'), patience),
    },
  }
  async function connectTo(hostPort: number): Promise<void> {
    const socket = net.connect(hostPort, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  }

  it('acceptance check 3: Tasks that end while no agent is there, and such that go on until the next one comes', async () => {
    const tasks = fleet.client.of(Task)
    const agent = fleet.member('n0')
    for (const [name, { spec }] of Object.entries(ending)) await tasks.create({ metadata: { name }, spec: spec() })
    await tasks.create({ metadata: { name: 'process-goes-on' }, spec: { command: ['sleep', '600'] } })
    await tasks.create({ metadata: { name: 'container-goes-on' }, spec: { ...container(), command: ['sleep', '600'] } })
    const startsOf = async (name: string) => {
      const { status } = await tasks.get({ name })
      expect(status?.phase).toBe('Running')
      return { runtimeId: status?.runtimeId, startedAt: status?.startedAt, restarts: status?.restarts ?? 0 }
    }
    const going = ['process-goes-on', 'container-goes-on']
    const before = await Promise.all(going.map((name) => eventually(() => startsOf(name), patience)))
    for (const name of Object.keys(ending)) {
      await eventually(() => startsOf(name), patience)
      await eventually(async () => expect(await fleet.kubectl('logs', name)).toBe('before\n'), patience)
    }

    await agent.program.stop('SIGKILL')
    for (const { open } of Object.values(ending)) await open()
    await agent.restart()

    for (const name of Object.keys(ending)) {
      await eventually(async () => {
        expect((await tasks.get({ name })).status).toMatchObject({ phase: 'Failed', exitCode: 7 })
      }, patience)
      expect((await tasks.get({ name })).status?.restarts ?? 0).toBe(0)
      await eventually(async () => expect(await fleet.kubectl('logs', name)).toBe('before\nafter\n'), patience)
    }
    expect(await Promise.all(going.map(startsOf))).toEqual(before)
  })
})
