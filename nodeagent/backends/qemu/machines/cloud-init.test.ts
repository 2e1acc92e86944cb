import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../../lib/testing/eventually.js'
import { aMachine, machinesOptions } from '../fixtures/a-machine.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { debianGuest } from '../fixtures/test-guest.js'
import { QemuMachines } from './qemu-machines.js'

const patienceMs = 1_200_000
const first = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdi05UFKu49VedHnGmdq/r/8kfhAjd4ypf6zFrX1nea first@home'
const second = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEdi05UFKu49VedHnGmdq/r/8kfhAjd4ypf6zFrX1nea second@home'
const userData = `#cloud-config
write_files:
  - path: /etc/greeting
    content: |
      hello from YAML
bootcmd:
  - [sh, -c, "echo boot >>/root/boots"]
runcmd:
  - echo once >>/root/runs
users:
  - default
  - name: ada
    ssh_authorized_keys: ["${first}"]
ssh_keys:
  ed25519_private: not the key that is pinned
`

/** The small test guest reads a seed as we mean it; here the real cloud-init does, in a Debian. Making that takes minutes. */
describe.skipIf(withoutQemu || process.env.MILLRACE_TEST_LONG !== '1')('the real cloud-init', { timeout: patienceMs }, () => {
  const signal = AbortSignal.timeout(3 * patienceMs)
  const uid = randomUUID()
  const machine = (key: string) =>
    aMachine(uid, { image: 'debian', userData, resources: { limits: { cpu: '2', memory: '768Mi' } } }, { authorizedKeys: [key] })
  let folder: string
  let machines: QemuMachines

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-cloud-init-'))
    machines = await QemuMachines.open(machinesOptions(folder, await debianGuest()))
  }, patienceMs)
  afterAll(async () => {
    await machines?.removeMachine(uid, signal)
    await machines?.close()
    await rm(folder, { recursive: true, force: true })
  }, patienceMs)

  const shell = async (line: string) => {
    const session = await machines.openMachineExec(uid, { command: ['sh', '-c', line], stdin: false, tty: false }, signal)
    const [out, err] = await Promise.all([text(session.stdout), session.stderr ? text(session.stderr) : ''])
    return { out, err, ...(await session.ended) }
  }
  const booted = () => eventually(() => shell('cloud-init status --wait'), { timeoutMs: patienceMs, intervalMs: 1000 })

  it("takes the owner's part and ours: keys, host key, name, network", async () => {
    await machines.createMachine(machine(first), { type: 'image' }, signal)
    await machines.startMachine(machine(first), signal)
    expect((await booted()).out).toContain('status: done')
    expect((await shell('hostname; cat /etc/greeting /root/boots /root/runs')).out).toBe('box\nhello from YAML\nboot\nonce\n')
    expect((await shell('cat /root/.ssh/authorized_keys')).out).toContain(first)
    expect((await shell('cat /home/ada/.ssh/authorized_keys')).out).toContain(first)
    expect((await shell('cat /sys/class/net/eth0/operstate; ip -4 -brief address show eth0')).out).toMatch(
      /^up\neth0 +UP +10\.0\.2\.15\/24/,
    )
  })

  it('gives other keys their way in at the next start, and runs nothing twice', async () => {
    await machines.stopMachine(uid, patienceMs, signal)
    await machines.startMachine(machine(second), signal)
    expect((await booted()).out).toContain('status: done')
    expect((await shell('cat /root/boots /root/runs')).out).toBe('boot\nboot\nonce\n')
    const { out } = await shell('cat /root/.ssh/authorized_keys')
    expect(out).toContain(second)
    expect(out).not.toContain(first)
  })
})
