/**
 * A machine that pretends to have GPUs: a folder of programs for the front of PATH (NVIDIA's tool, the hook by which an
 * engine gives GPUs to containers, and a QEMU that is spared the devices which nobody has), and a PCI bus to be mounted over
 * the machine's own, in a namespace of mounts. For tests alone.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fakeNvidiaSmi } from '../../nodeagent/fixtures/fake-nvidia-smi.js'

export interface PretendedGpus {
  readonly env: Readonly<Record<string, string>>
  /** Words before a command, which then sees the PCI bus. */
  readonly prefix: readonly string[]
  /** What was last asked of the kernel about a GPU: for whom it is, and who was to let it go. */
  asked(index: number): { readonly override: string; readonly unbound: boolean }
  /** Forgets what was asked. */
  reset(): void
  remove(): void
}

const withoutVfio = `#!/bin/sh
left=$#
while [ $left -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case "$word $1" in
    'vfio-pci,'* | '-device vfio-pci,'*) ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec /usr/bin/qemu-system-x86_64 "$@"
`

/** Its GPUs are with vfio-pci from the start: no kernel is there to follow what is written. */
export async function pretendGpus(count: number): Promise<PretendedGpus> {
  const folder = mkdtempSync('/tmp/mrg-')
  // Machines have users of their own, which start the QEMU that is there.
  chmodSync(folder, 0o755)
  const bin = path.join(folder, 'bin')
  mkdirSync(bin)
  await fakeNvidiaSmi(bin, count)
  writeFileSync(path.join(bin, 'nvidia-container-runtime-hook'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(path.join(bin, 'qemu-system-x86_64'), withoutVfio, { mode: 0o755 })
  // Memory is locked for devices that reach it; who may not lock any needs none here.
  writeFileSync(path.join(bin, 'prlimit'), '#!/bin/sh\nshift\nexec "$@"\n', { mode: 0o755 })
  const bus = path.join(folder, 'pci')
  const device = (index: number, ...parts: string[]) => path.join(bus, 'devices', `0000:0${index}:00.0`, ...parts)
  const unbind = path.join(bus, 'drivers/vfio-pci/unbind')
  mkdirSync(path.dirname(unbind), { recursive: true })
  writeFileSync(path.join(bus, 'drivers_probe'), '')
  for (let index = 0; index < count; index++) {
    mkdirSync(device(index), { recursive: true })
    writeFileSync(device(index, 'class'), '0x030000\n')
    symlinkSync(`../../../../kernel/iommu_groups/${index}`, device(index, 'iommu_group'))
    symlinkSync('../../drivers/vfio-pci', device(index, 'driver'))
  }
  const reset = () => {
    writeFileSync(unbind, '')
    for (let index = 0; index < count; index++) writeFileSync(device(index, 'driver_override'), '')
  }
  reset()
  return {
    env: { PATH: `${bin}:${process.env.PATH}` },
    prefix: ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /sys/bus/pci && exec "$@"', bus],
    asked: (index) => ({
      override: readFileSync(device(index, 'driver_override'), 'utf8'),
      unbound: readFileSync(unbind, 'utf8').includes(`0000:0${index}:00.0`),
    }),
    reset,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
