/** A real guest on a node whose disk gets full: the long form of watch-room.test.ts. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../../lib/testing/eventually.js'
import { aMachine, machinesOptions } from '../fixtures/a-machine.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { testGuest } from '../fixtures/test-guest.js'
import { QemuMachines } from './qemu-machines.js'

const isLong = process.env.MILLRACE_TEST_LONG === '1'
const isRoot = process.getuid?.() === 0
const patience = { timeoutMs: 240_000 }

describe.skipIf(withoutQemu || !isLong || !isRoot)('a node without room', { timeout: 600_000 }, () => {
  const signal = AbortSignal.timeout(600_000)
  const uid = randomUUID()
  let folder: string
  let machines: QemuMachines

  beforeAll(async () => {
    const images = await testGuest()
    folder = await mkdtemp(path.join(tmpdir(), 'mr-vm-full-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=384M', 'tmpfs', folder])
    machines = await QemuMachines.open(machinesOptions(folder, images))
  }, 240_000)
  afterAll(async () => {
    await machines?.removeMachine(uid, signal)
    await machines?.close()
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true })
  }, 240_000)

  const run = async (line: string) => {
    const session = await machines.openMachineExec(uid, { command: ['sh', '-c', line], stdin: false, tty: false }, signal)
    const [out, , { exitCode }] = await Promise.all([text(session.stdout), session.stderr && text(session.stderr), session.ended])
    return { out, exitCode }
  }
  const observed = async () => (await machines.observeMachines(signal, uid))[0]

  it('takes no snapshot, holds a guest that writes, and lets it go on with what it wrote when there is room again', async () => {
    const spec = { diskSize: '1Gi' }
    await machines.createMachine(aMachine(uid, spec), { type: 'image' }, signal)
    await machines.startMachine(aMachine(uid, spec), signal)
    await eventually(() => run('true'), patience)
    const free = () => Number(execFileSync('df', ['--output=avail', '-B1M', folder]).toString().split('\n')[1])
    execFileSync('fallocate', ['-l', `${free() - 40}M`, path.join(folder, 'filler')])
    await expect(machines.takeSnapshot(uid, 'snap', signal)).rejects.toThrow(/the snapshot needs .* on the node/)

    // Beside the session, which ends when the guest is silent for long.
    const write = 'dd if=/dev/urandom bs=1M count=64 | tee /root/much | sha256sum; sync; sha256sum < /root/much; echo done'
    await run(`(${write}) </dev/null >/root/sums 2>/dev/null &`)
    await eventually(async () => expect((await observed())?.held).toMatch(/it is held, as the node had no room/), patience)
    await rm(path.join(folder, 'filler'))
    await eventually(async () => expect(await observed()).not.toHaveProperty('held'), patience)
    await eventually(async () => {
      const [made, read, done] = (await run('cat /root/sums')).out.trim().split('\n')
      expect([read, done]).toEqual([made, 'done'])
    }, patience)
  })
})
