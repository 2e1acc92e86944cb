/** While it makes and starts machines; what its end does to a guest is seen in qemu-machines.test.ts, where one boots. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MachineBackend } from '../../machine-backend.js'
import { aMachine, machinesOptions } from '../fixtures/a-machine.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { type DoomedAgent, killAgentDuring } from '../fixtures/kill-agent.js'
import { testGuest } from '../fixtures/test-guest.js'
import { QemuMachines } from './qemu-machines.js'

const patienceMs = 240_000
const isLong = process.env.MILLRACE_TEST_LONG === '1'

describe.skipIf(withoutQemu)('an agent that is killed', { timeout: patienceMs }, () => {
  const signal = AbortSignal.timeout(1_800_000)
  const uid = randomUUID()
  let folder: string
  let images: string
  let machines: MachineBackend

  beforeAll(async () => {
    images = await testGuest()
    folder = await mkdtemp(path.join(tmpdir(), 'mr-vm-kills-'))
    machines = await QemuMachines.open(machinesOptions(folder, images))
  }, patienceMs)
  afterAll(async () => {
    await machines?.removeMachine(uid, signal)
    await machines?.close()
    await rm(folder, { recursive: true, force: true })
  }, patienceMs)

  const killDuring = (act: DoomedAgent['act'], moment: () => Promise<boolean>) =>
    killAgentDuring({ directory: folder, images, uid, act }, moment)
  const names = (...parts: string[]): Promise<string[]> => readdir(path.join(folder, ...parts)).catch(() => [])
  const observed = async () => (await machines.observeMachines(signal, uid))[0]
  /** QEMU processes of the machine, whoever believes in them. */
  const processes = async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
    return lines.filter((line) => line.startsWith('/') && line.split('\0')[0]?.includes('qemu') && line.includes(`guest=${uid}.`)).length
  }

  it.each<[string, () => Promise<boolean>]>([
    ['before it has written anything', async () => (await names('machines', uid)).length > 0],
    ['between its keys and its disk', async () => (await names('machines', uid)).includes('keys.json')],
    ['while its disk is made', async () => (await names('machines', uid)).some((name) => name.startsWith('disk.qcow2'))],
  ])('while it makes a machine, %s, leaves what the next one goes on with', async (_name, moment) => {
    await killDuring('create', moment)
    expect(['partial', 'stopped']).toContain((await observed())?.state)
    await machines.createMachine(aMachine(uid), { type: 'image' }, signal)
    expect(await observed()).toMatchObject({ state: 'stopped', name: 'box' })
    await machines.removeMachine(uid, signal)
    expect(await observed()).toBeUndefined()
  })

  // One of a machine that runs: qemu-machines.test.ts.
  const copies: readonly [string, DoomedAgent['act'], () => Promise<boolean>][] = [
    ['takes a snapshot of', 'snapshot', async () => (await names('snapshots', 'snap')).length > 0],
    ['puts a snapshot back into', 'restore', async () => (await names('machines', uid)).some((name) => name.startsWith('disk.qcow2.'))],
  ]
  it.each(copies.filter(([, act]) => isLong || act === 'restore'))(
    'while it %s a machine leaves nothing, once both are deleted',
    async (_what, act, moment) => {
      await machines.createMachine(aMachine(uid), { type: 'image' }, signal)
      if (act === 'restore') await machines.takeSnapshot(uid, 'snap', signal)
      await killDuring(act, moment)
      await machines.removeMachine(uid, signal)
      await machines.removeSnapshot('snap', signal)
      for (const part of ['machines', 'snapshots', 'images/bases']) expect(await names(part), part).toEqual([])
    },
  )

  it('while it starts a machine leaves one process at most, and the next one takes it over or starts it', async () => {
    await machines.createMachine(aMachine(uid), { type: 'image' }, signal)
    for (const suffix of ['.run', '.started']) {
      await killDuring('start', async () => (await names('machine-runs')).some((name) => name.endsWith(suffix)))
      await machines.startMachine(aMachine(uid), signal)
      expect(await observed()).toMatchObject({ state: 'running' })
      expect(await processes()).toBe(1)
      if (suffix === '.run') await machines.stopMachine(uid, 0, signal)
    }
    expect(await processes()).toBe(1)
  })

  it('leaves nothing once the machine is removed', async () => {
    // What the killed ones were about to write, the next one clears.
    await machines.close()
    machines = await QemuMachines.open(machinesOptions(folder, images))
    await machines.removeMachine(uid, signal)
    expect(await processes()).toBe(0)
    for (const part of ['machines', 'machine-runs', 'images/bases']) expect(await names(part), part).toEqual([])
  })
})
