import { describe, expect, it } from 'vitest'
import type { QemuEngine } from '../qemu-engine.js'
import { type MachineArguments, machineArguments } from './machine-arguments.js'
import { parseForwards } from './user-network.js'

const engine: QemuEngine = { binary: '/usr/bin/qemu-system-x86_64', version: '7.2.22', accelerator: 'tcg', why: 'no /dev/kvm' }
const machine: MachineArguments = {
  engine,
  id: { uid: 'u-1', attempt: 0, run: 0 },
  disk: { driver: 'qcow2', file: { driver: 'file', filename: '/data/machines/u-1/disk.qcow2' }, backing: null },
  seed: '/data/machines/u-1/seed.iso',
  cpus: 2,
  memoryBytes: 512 * 1024 * 1024,
  mac: '52:54:00:12:34:56',
}
/** What follows a flag. */
const following = (args: readonly string[], flag: string) => args.flatMap((word, index) => (args[index - 1] === flag ? [word] : []))

describe("a machine's command line", () => {
  it('has its name, its processors, its memory, its disk and its seed', () => {
    const args = machineArguments(machine)
    expect(args[0]).toBe(engine.binary)
    expect(following(args, '-name')).toEqual(['guest=u-1.0.0'])
    expect([following(args, '-smp'), following(args, '-m')]).toEqual([['2'], ['512M']])
    expect(following(args, '-blockdev').map((text) => JSON.parse(text) as object)).toMatchObject([
      { 'node-name': 'disk', driver: 'qcow2', file: { filename: '/data/machines/u-1/disk.qcow2' }, backing: null },
      { 'node-name': 'seed', driver: 'raw', 'read-only': true, file: { filename: machine.seed } },
    ])
    expect(args).not.toContain('-kernel')
  })

  it.each<[string, Partial<MachineArguments>, string, readonly string[]]>([
    [
      'user-mode networking lets the node in at a port of its loopback alone',
      {},
      '-netdev',
      ['user,id=net0,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
    ],
    ['a tap is the one that it is given', { tap: 'mr0123456789' }, '-netdev', ['tap,id=net0,ifname=mr0123456789,script=no,downscript=no']],
    [
      'a kernel beside the image is booted, and told its clock',
      { directBoot: { kernel: '/k', initrd: '/i', commandLine: 'root=/dev/vda quiet' } },
      '-append',
      ['root=/dev/vda quiet tsc_early_khz=2000000'],
    ],
    [
      'a clock that its owner names stays',
      { directBoot: { kernel: '/k', commandLine: 'tsc_early_khz=1 quiet' } },
      '-append',
      ['tsc_early_khz=1 quiet'],
    ],
    ['QEMU has a BIOS of its own', {}, '-bios', []],
    ['another firmware is a file', { firmware: '/usr/share/ovmf/OVMF.fd' }, '-bios', ['/usr/share/ovmf/OVMF.fd']],
    ['memory of a NUMA node', { numaNode: 1 }, '-object', ['memory-backend-ram,id=ram,size=512M,host-nodes=1,policy=bind']],
  ])('%s', (_name, more, flag, expected) => {
    expect(following(machineArguments({ ...machine, ...more }), flag)).toEqual(expected)
  })

  it('GPUs are given by their addresses, and lock the memory of a guest whose QEMU is not root', () => {
    const gpus = ['0000:01:00.0']
    const args = machineArguments({ ...machine, gpus, userId: 265_600 })
    expect(following(args, '-device')).toContain('vfio-pci,host=0000:01:00.0')
    expect(args.slice(0, 3)).toEqual(['prlimit', `--memlock=${1536 * 1024 * 1024}`, engine.binary])
    expect(machineArguments({ ...machine, gpus })[0]).toBe(engine.binary)
  })

  it('QEMU becomes the user that it is given', () => {
    expect(following(machineArguments({ ...machine, userId: 265_600 }), '-runas')).toEqual(['265600:265600'])
    expect(machineArguments(machine)).not.toContain('-runas')
  })
})

it('the ports that QEMU forwards are read from what its monitor says', () => {
  const said = [
    'Hub -1 (net0):',
    '  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ',
    '  TCP[HOST_FORWARD]  12       127.0.0.1 37097       10.0.2.15    22     0     0',
    '  TCP[ESTABLISHED]   31       127.0.0.1 37097       10.0.2.15    22     0     0',
    '  UDP[HOST_FORWARD]  24       127.0.0.1 58152       10.0.2.15    99     0     0',
  ].join('\r\n')
  expect(parseForwards(said)).toEqual([
    { protocol: 'tcp', port: 37097, guestPort: 22 },
    { protocol: 'udp', port: 58152, guestPort: 99 },
  ])
})
