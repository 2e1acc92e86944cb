import type { RunId } from '../../backend.js'
import { clockParameters, engineArguments, escapeOption, userNetwork } from '../engine-arguments.js'
import type { BaseImage } from '../images/image-store.js'
import type { QemuEngine } from '../qemu-engine.js'
import { qmpSocketName, vmName } from '../vm-processes.js'
import type { DiskChain } from './machine-disks.js'

/** In the machine's folder, where QEMU is started. */
export const consoleSocketName = 'console.sock'

/** The names by which QMP knows the parts of a machine. */
export const diskNode = 'disk'
export const cardName = 'net0'

export interface MachineArguments {
  readonly engine: QemuEngine
  readonly id: RunId
  readonly disk: DiskChain
  readonly seed: string
  /** The user that QEMU becomes. */
  readonly userId?: number | undefined
  readonly cpus: number
  readonly memoryBytes: number
  readonly mac: string
  /** Absent: user-mode networking. */
  readonly tap?: string
  readonly directBoot?: BaseImage['directBoot']
  /** The file of a firmware; absent: QEMU's own, a BIOS. */
  readonly firmware?: string | undefined
  /** GPUs, as PCI addresses that are bound to vfio-pci. */
  readonly gpus?: readonly string[]
  readonly numaNode?: number
}

const mebibyte = 1024 * 1024
const deviceWindowBytes = 1024 * mebibyte

/** QEMU's command line of a machine: q35 with a virtio disk, the seed, one card, a serial console and a source of randomness. */
export function machineArguments(machine: MachineArguments): string[] {
  const { engine, id, disk, seed, userId, cpus, memoryBytes, mac, gpus = [] } = machine
  const json = (value: object) => JSON.stringify(value)
  return [
    ...(gpus.length > 0 && userId !== undefined ? lockingMemory(memoryBytes) : []),
    engine.binary,
    ...engineArguments({ engine, name: vmName(id), qmpSocket: qmpSocketName, userId }),
    ...['-machine', `q35${machine.numaNode === undefined ? '' : ',memory-backend=ram'}`, '-smp', String(cpus)],
    ...['-m', `${Math.ceil(memoryBytes / mebibyte)}M`, ...memoryOn(machine)],
    ...['-blockdev', json({ ...disk, 'node-name': diskNode, discard: 'unmap' })],
    ...['-device', `virtio-blk-pci,drive=${diskNode}${machine.directBoot ? '' : ',bootindex=0'}`],
    ...['-blockdev', json({ 'node-name': 'seed', driver: 'raw', 'read-only': true, file: { driver: 'file', filename: seed } })],
    ...['-device', 'virtio-blk-pci,drive=seed'],
    ...['-netdev', netdev(machine.tap), '-device', `virtio-net-pci,netdev=${cardName},mac=${mac}`],
    // What it says goes to standard output too, which becomes a log of bounded size whether somebody looks on or not.
    ...['-chardev', `socket,id=console,path=${consoleSocketName},server=on,wait=off,logfile=/dev/fd/1,logappend=on`],
    ...['-serial', 'chardev:console', '-device', 'virtio-rng-pci'],
    ...(machine.firmware === undefined ? [] : ['-bios', machine.firmware]),
    ...(machine.directBoot ? bootDirectly(machine.directBoot, engine) : []),
    ...gpus.flatMap((address) => ['-device', `vfio-pci,host=${address}`]),
  ]
}

function netdev(tap: string | undefined): string {
  if (tap !== undefined) return `tap,id=${cardName},ifname=${escapeOption(tap)},script=no,downscript=no`
  // The node's port is chosen by the kernel, and QMP says which.
  return `${userNetwork(cardName)},hostfwd=tcp:127.0.0.1:0-:22`
}

/**
 * A device that is given to a guest locks all of its memory, which only root may
 * do without a limit: the guest's, and the windows of devices.
 */
function lockingMemory(memoryBytes: number): string[] {
  return ['prlimit', `--memlock=${memoryBytes + deviceWindowBytes}`]
}

function memoryOn({ numaNode, memoryBytes }: MachineArguments): string[] {
  if (numaNode === undefined) return []
  const size = `${Math.ceil(memoryBytes / mebibyte)}M`
  return ['-object', `memory-backend-ram,id=ram,size=${size},host-nodes=${numaNode},policy=bind`]
}

function bootDirectly({ kernel, initrd, commandLine }: NonNullable<BaseImage['directBoot']>, engine: QemuEngine): string[] {
  const given = new Set(commandLine.split(/\s+/).map((word) => word.split('=')[0]))
  const clock = clockParameters(engine).filter((parameter) => !given.has(parameter.split('=')[0]))
  return [...['-kernel', kernel, ...(initrd === undefined ? [] : ['-initrd', initrd])], ...['-append', [commandLine, ...clock].join(' ')]]
}
