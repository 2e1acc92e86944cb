import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPciDevices, releaseGpus, takeGpus } from './apply-vfio.js'
import { type PciDevice, planRelease, planVfio } from './plan-vfio.js'

const gpu: PciDevice = { address: '0000:01:00.0', classCode: '0x030000', iommuGroup: 7, driver: 'nvidia' }
const sound: PciDevice = { address: '0000:01:00.1', classCode: '0x040300', iommuGroup: 7, driver: 'snd_hda_intel' }
const bridge: PciDevice = { address: '0000:00:01.0', classCode: '0x060400', iommuGroup: 7, driver: 'pcieport' }
const card: PciDevice = { address: '0000:02:00.0', classCode: '0x020000', iommuGroup: 7 }
const neighbour: PciDevice = { address: '0000:03:00.0', classCode: '0x030200', iommuGroup: 7, driver: 'nvidia' }
const elsewhere: PciDevice = { address: '0000:04:00.0', classCode: '0x010802', iommuGroup: 9, driver: 'nvme' }

const take = ({ address, driver }: PciDevice) => [
  { type: 'override', address, driver: 'vfio-pci' },
  ...(driver === undefined ? [] : [{ type: 'unbind', address, driver }]),
  { type: 'probe', address },
]

describe('the plan that gives a GPU to a machine', () => {
  it('takes its whole IOMMU group but bridges, and gives the machine what is on its card', () => {
    expect(planVfio([gpu.address], [bridge, gpu, sound, card, elsewhere])).toEqual({
      devices: [gpu.address, sound.address],
      taken: [gpu.address, sound.address, card.address],
      steps: [gpu, sound, card].flatMap(take),
    })
  })

  it('touches nothing that vfio-pci has already', () => {
    expect(planVfio([gpu.address], [{ ...gpu, driver: 'vfio-pci' }])).toMatchObject({ devices: [gpu.address], steps: [] })
  })

  it('two GPUs of one group go together', () => {
    expect(planVfio([gpu.address, neighbour.address], [gpu, neighbour])).toMatchObject({ devices: [gpu.address, neighbour.address] })
  })

  it.each<[string, string, readonly PciDevice[], string]>([
    ['no such device', '0000:09:00.0', [gpu], 'the node has no PCI device 0000:09:00.0'],
    ['another sort of device', elsewhere.address, [elsewhere], 'is no GPU'],
    ['no IOMMU', gpu.address, [{ address: gpu.address, classCode: gpu.classCode }], 'the IOMMU of the node is off'],
    ['a GPU of somebody else in its group', gpu.address, [gpu, neighbour], 'shares its IOMMU group with the GPU 0000:03:00.0'],
  ])('is refused in words: %s', (_name, address, devices, words) => {
    expect(planVfio([address], devices)).toEqual({ refused: expect.stringContaining(words) })
  })

  it('gives back what is there, and was taken', () => {
    const taken = { ...gpu, driver: 'vfio-pci' }
    expect(planRelease([gpu.address, sound.address, '0000:09:00.0'], [taken, sound])).toEqual([
      { type: 'override', address: gpu.address, driver: '' },
      { type: 'unbind', address: gpu.address, driver: 'vfio-pci' },
      { type: 'probe', address: gpu.address },
      { type: 'override', address: sound.address, driver: '' },
      { type: 'probe', address: sound.address },
    ])
  })
})

describe('the plan, on a sysfs', () => {
  let sys: string
  const pci = (...parts: string[]) => path.join(sys, 'bus/pci', ...parts)

  beforeEach(async () => {
    sys = await mkdtemp(path.join(tmpdir(), 'mr-sysfs-'))
    await mkdir(path.join(sys, 'kernel/iommu_groups/7'), { recursive: true })
    for (const driver of ['nvidia', 'vfio-pci']) await mkdir(pci('drivers', driver), { recursive: true })
    await writeFile(pci('drivers_probe'), '')
    await mkdir(pci('devices', gpu.address), { recursive: true })
    await writeFile(pci('devices', gpu.address, 'class'), `${gpu.classCode}\n`)
    await symlink('../../../../kernel/iommu_groups/7', pci('devices', gpu.address, 'iommu_group'))
    await drive('nvidia')
  })
  afterEach(() => rm(sys, { recursive: true, force: true }))

  const drive = async (driver: string) => {
    await rm(pci('devices', gpu.address, 'driver'), { force: true })
    await symlink(`../../drivers/${driver}`, pci('devices', gpu.address, 'driver'))
  }

  it('is read from it', async () => expect(await readPciDevices(sys)).toEqual([gpu]))

  it('is written to it, after it was remembered; a kernel that does not follow is said', async () => {
    const remembered: (readonly string[])[] = []
    const taking = takeGpus(sys, [gpu.address], async (taken) => void remembered.push(taken))
    await expect(taking).rejects.toThrow('is the module loaded? modprobe vfio-pci')
    expect(remembered).toEqual([[gpu.address]])
    expect(await readFile(pci('devices', gpu.address, 'driver_override'), 'utf8')).toBe('vfio-pci\n')
    expect(await readFile(pci('drivers/nvidia/unbind'), 'utf8')).toBe(gpu.address)
    expect(await readFile(pci('drivers_probe'), 'utf8')).toBe(gpu.address)
  })

  it('is taken, and given back', async () => {
    await drive('vfio-pci')
    expect(await takeGpus(sys, [gpu.address], async () => {})).toEqual({ devices: [gpu.address], taken: [gpu.address] })
    await releaseGpus(sys, [gpu.address])
    expect(await readFile(pci('devices', gpu.address, 'driver_override'), 'utf8')).toBe('\n')
    expect(await readFile(pci('drivers/vfio-pci/unbind'), 'utf8')).toBe(gpu.address)
  })

  it('a machine without a PCI bus has no GPUs', async () => {
    await expect(takeGpus(path.join(sys, 'none'), [gpu.address], async () => {})).rejects.toMatchObject({ reason: 'Unsupported' })
  })
})
