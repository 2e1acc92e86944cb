import { macOf } from '../../../network/network-names.js'
import type { MachineSpec } from '../../machine-backend.js'
import { machineKeys } from '../cloud-init/machine-keys.js'
import { writeSeed } from '../cloud-init/write-seed.js'
import type { QemuEngine } from '../qemu-engine.js'
import type { RunProgram } from '../run-program.js'
import { machineArguments } from './machine-arguments.js'
import type { MachineBases } from './machine-bases.js'
import { machineDemands, processLimits } from './machine-demands.js'
import type { MachineDisks } from './machine-disks.js'
import type { MachineFiles, MachineRecord } from './machine-files.js'
import type { MachineGpus } from './machine-gpus.js'
import type { MachineLife } from './machine-life.js'
import type { MachineUsers } from './machine-users.js'
import { uefiFirmware } from './uefi-firmware.js'

export interface BootParts {
  readonly files: MachineFiles
  readonly disks: MachineDisks
  readonly bases: MachineBases
  readonly gpus: MachineGpus
  readonly users: MachineUsers
  readonly life: MachineLife
  readonly run: RunProgram
  /** See QemuMachinesOptions. */
  readonly addTap: (uid: string, userId: number | undefined, signal: AbortSignal) => Promise<string>
}

/**
 * Brings up the QEMU of a machine that does not run: the rest of its last run away,
 * its disk grown, its seed and what it was given written down.
 */
export async function bootMachine(
  machine: MachineSpec,
  record: MachineRecord,
  engine: QemuEngine,
  parts: BootParts,
  signal: AbortSignal,
): Promise<void> {
  const { uid, spec } = machine
  const { files, disks, bases, life, run } = parts
  const firmware = await uefiFirmware(spec.firmware)
  await life.clear(uid, signal)
  await files.clearSnapshot(uid)
  const base = await bases.of(record.base)
  const directBoot = (base ?? (await bases.of(record.kernelOf)))?.directBoot
  const userId = parts.users.next(uid)
  const { diskBytes, ...given } = machineDemands(spec)
  if (diskBytes !== undefined) await disks.grow(files.disk(uid), diskBytes, signal)
  const keys = await machineKeys(files.folder(uid))
  const mac = machine.address?.mac ?? macOf(uid)
  await writeSeed(files.seed(uid), machine, keys, mac, run, signal)
  const gpus = await parts.gpus.take(uid, machine.gpus ?? [])
  const { address: _before, ...kept } = (await files.read(uid)) ?? record
  await files.write(uid, {
    ...kept,
    ...given,
    ...(machine.address ? { address: machine.address.address } : {}),
    ...(userId === undefined ? {} : { userId }),
  })
  if (userId !== undefined) await files.letPass(uid, userId)
  const tap = machine.address ? await parts.addTap(uid, userId, signal) : undefined
  const id = life.idOf(uid)
  const command = machineArguments({
    engine,
    id,
    disk: await disks.chain(files.disk(uid), base),
    seed: files.seed(uid),
    userId,
    cpus: Math.max(1, Math.ceil(given.cpuMillis / 1000)),
    memoryBytes: given.memoryBytes,
    mac,
    firmware,
    gpus,
    ...(tap === undefined ? {} : { tap }),
    ...(directBoot ? { directBoot } : {}),
    ...(machine.numaNode === undefined ? {} : { numaNode: machine.numaNode }),
  })
  await life.launch(machine, { command, userId, limits: processLimits(spec, given) }, signal)
}
