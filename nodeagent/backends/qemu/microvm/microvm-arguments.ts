import { guestMemoryBytes } from '../../../../lib/api/guest-memory.js'
import { cpuMillis } from '../../../../lib/api/quantity.js'
import type { RunSpec } from '../../backend.js'
import { reportFile } from '../../supervision/shim.js'
import { clockParameters, engineArguments, userNetwork } from '../engine-arguments.js'
import type { QemuEngine } from '../qemu-engine.js'
import { qmpSocketName } from '../vm-processes.js'
import type { MicrovmImage } from './microvm-images.js'

export interface MicrovmArguments {
  readonly engine: QemuEngine
  readonly name: string
  readonly spec: Pick<RunSpec['spec'], 'resources' | 'ports'>
  readonly image: MicrovmImage
  readonly userId?: number | undefined
  /** The most processors that a guest gets: those of the node. */
  readonly cpus: number
}

/**
 * How many commands can run beside a task's at a time: a port each for its talk and
 * its streams, and each port costs the guest 4 MiB of buffers.
 */
const sessionSlots = 3

/** The name of the pipe by which the agent gives words to the guest. */
export const controlPipe = 'control'

/** QEMU's command line for a microVM, started in the directory of its run. Pure. */
export function microvmArguments({ engine, name, spec, image, userId, cpus }: MicrovmArguments): string[] {
  const parameters = [
    ...['console=ttyS0', 'quiet', 'loglevel=1', 'panic=-1', 'rdinit=/.millrace/init'],
    ...clockParameters(engine),
    ...image.parameters,
  ]
  return [
    engine.binary,
    ...engineArguments({ engine, name, qmpSocket: qmpSocketName, userId }),
    ...[
      '-machine',
      'microvm,rtc=on',
      '-no-reboot',
      '-smp',
      String(guestCpus(spec, cpus)),
      '-m',
      `${Math.floor(guestMemoryBytes(spec) / 1024 ** 2)}M`,
    ],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', parameters.join(' ')],
    // What the kernel says at its worst, and what init.sh cannot tell otherwise.
    ...['-chardev', 'file,id=console,path=/dev/stderr', '-serial', 'chardev:console'],
    ...['-device', 'virtio-rng-device', '-netdev', `${userNetwork('net')}${hostPorts(spec)}`, '-device', 'virtio-net-device,netdev=net'],
    ...['-device', 'virtio-serial-device,id=ports,max_ports=31'],
    ...port('orders', 'stdio', 'signal=off'),
    ...port('output', 'file', 'path=/dev/stdout'),
    ...port('errors', 'file', 'path=/dev/stderr'),
    ...port('report', 'file', `path=/proc/self/fd/${reportFile}`),
    ...port('control', 'pipe', `path=${controlPipe}`),
    ...slots().flatMap((slot) => ['talk', 'in', 'out', 'err'].flatMap((stream) => socketPort(`${stream}_${slot}`))),
    ...['-device', 'virtio-serial-device,id=terminals,max_ports=31'],
    ...slots().flatMap((slot) => socketPort(`tty_${slot}`, terminal)),
  ]
}

export const slots = () => Array.from({ length: sessionSlots }, (_, index) => index + 1)

/** The socket of a session's port, in the directory of the run. */
export const socketName = (portName: string) => `${portName}.sock`

function guestCpus({ resources }: MicrovmArguments['spec'], cpus: number): number {
  const asked = resources?.limits?.cpu ?? resources?.requests?.cpu
  return Math.min(cpus, Math.max(1, asked === undefined ? 1 : Math.ceil(cpuMillis(asked) / 1000)))
}

function hostPorts({ ports = [] }: MicrovmArguments['spec']): string {
  return ports
    .filter(({ hostPort }) => hostPort !== undefined)
    .map(({ protocol, hostPort, port: guestPort }) => `,hostfwd=${protocol.toLowerCase()}::${hostPort}-:${guestPort}`)
    .join('')
}

const plain = { device: 'virtserialport', bus: 'ports.0' }
const terminal = { device: 'virtconsole', bus: 'terminals.0' }

function port(name: string, type: string, options: string, { device, bus } = plain): string[] {
  return ['-chardev', `${type},id=${name},${options}`, '-device', `${device},bus=${bus},chardev=${name},name=${name}`]
}

function socketPort(name: string, kind = plain): string[] {
  return port(name, 'socket', `path=${socketName(name)},server=on,wait=off`, kind)
}
