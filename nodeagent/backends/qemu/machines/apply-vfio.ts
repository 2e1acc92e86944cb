import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { BackendError } from '../../backend.js'
import { type PciDevice, planRelease, planVfio, type VfioStep } from './plan-vfio.js'

/**
 * Takes the GPUs from their drivers; resolves with what the machine gets and what has to be given back. `sys`: where sysfs is mounted.
 * `onTaking` is awaited before the first of them is touched.
 */
export async function takeGpus(
  sys: string,
  gpus: readonly string[],
  onTaking: (taken: readonly string[]) => Promise<void>,
): Promise<{ readonly devices: readonly string[]; readonly taken: readonly string[] }> {
  const plan = planVfio(gpus, await readPciDevices(sys))
  if ('refused' in plan) throw new BackendError('Unsupported', plan.refused, false)
  await onTaking(plan.taken)
  for (const step of plan.steps) await applyStep(sys, step)
  const after = await readPciDevices(sys)
  const left = plan.taken.find((address) => after.find((device) => device.address === address)?.driver !== 'vfio-pci')
  if (left !== undefined)
    throw new BackendError(
      'StartFailed',
      `the kernel did not give the PCI device ${left} to vfio-pci; is the module loaded? modprobe vfio-pci`,
      true,
    )
  return { devices: plan.devices, taken: plan.taken }
}

/** Gives them back. Idempotent. */
export async function releaseGpus(sys: string, taken: readonly string[]): Promise<void> {
  for (const step of planRelease(taken, await readPciDevices(sys))) await applyStep(sys, step)
}

/** Every device of the PCI bus; none where there is no such bus. */
export async function readPciDevices(sys: string): Promise<PciDevice[]> {
  const folder = path.join(sys, 'bus/pci/devices')
  const addresses = (await readdir(folder).catch(() => [])).sort()
  return Promise.all(
    addresses.map(async (address) => {
      const [classCode, group, driver] = await Promise.all([
        readFile(path.join(folder, address, 'class'), 'utf8').catch(() => ''),
        linkedName(path.join(folder, address, 'iommu_group')),
        linkedName(path.join(folder, address, 'driver')),
      ])
      return {
        address,
        classCode: classCode.trim(),
        ...(group === undefined ? {} : { iommuGroup: Number(group) }),
        ...(driver === undefined ? {} : { driver }),
      }
    }),
  )
}

async function applyStep(sys: string, step: VfioStep): Promise<void> {
  const pci = path.join(sys, 'bus/pci')
  const { address } = step
  if (step.type === 'unbind') await writeFile(path.join(pci, 'drivers', step.driver, 'unbind'), address)
  // The kernel takes a line feed as nothing.
  else if (step.type === 'override') await writeFile(path.join(pci, 'devices', address, 'driver_override'), `${step.driver}\n`)
  else await writeFile(path.join(pci, 'drivers_probe'), address)
}

async function linkedName(link: string): Promise<string | undefined> {
  return readlink(link).then(path.basename, () => undefined)
}
