import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fakeNvidiaSmi } from '../fixtures/fake-nvidia-smi.js'
import { parseGpu, readDriverGpus, readGpus } from './machine-gpus.js'
import type { MachineRoots } from './machine-roots.js'
import { readDisplayDevices } from './pci-devices.js'

let folder: string
let roots: MachineRoots
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-gpus-'))
  roots = { proc: path.join(folder, 'proc'), sys: path.join(folder, 'sys') }
})
afterEach(async () => await rm(folder, { recursive: true }))

/** Files of a kernel that pretends. */
async function show(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    if (text.startsWith('-> ')) await symlink(text.slice('-> '.length), file)
    else await writeFile(file, `${text}\n`)
  }
}

it('are those that nvidia-smi names, each with its place in the machine', async () => {
  await fakeNvidiaSmi(folder, 2)
  await show({
    'sys/bus/pci/devices/0000:01:00.0/numa_node': '1',
    'sys/bus/pci/devices/0000:01:00.0/iommu_group': '-> ../../../../kernel/iommu_groups/27',
  })
  expect(await readGpus(`${folder}:/usr/bin:/bin`, roots)).toEqual([
    { index: 0, uuid: 'GPU-fake-0', model: 'NVIDIA A100', memory: '40960Mi', pciAddress: '0000:00:00.0' },
    {
      index: 1,
      uuid: 'GPU-fake-1',
      model: 'NVIDIA A100',
      memory: '40960Mi',
      pciAddress: '0000:01:00.0',
      numaNode: 1,
      iommuGroup: 27,
    },
  ])
})

it('are those that the driver shows, where nvidia-smi fails or is not there', async () => {
  await writeFile(path.join(folder, 'nvidia-smi'), '#!/bin/sh\necho no driver\nexit 9\n', { mode: 0o755 })
  expect(await readGpus(`${folder}:/usr/bin:/bin`, roots)).toEqual([])
  await show({ 'proc/driver/nvidia/gpus/0000:01:00.0/information': 'Model: \t\t Tesla T4\nIRQ:   \t\t 42\nGPU UUID: \t GPU-abc' })
  const gpus = [{ index: 0, model: 'Tesla T4', uuid: 'GPU-abc', pciAddress: '0000:01:00.0' }]
  expect(await readGpus(`${folder}:/usr/bin:/bin`, roots)).toEqual(gpus)
  await rm(path.join(folder, 'nvidia-smi'))
  expect(await readDriverGpus(roots)).toEqual(gpus)
})

it.each([
  [['0', 'GPU-a', 'T4', '15360', '00000000:3B:00.0'], { index: 0, uuid: 'GPU-a', model: 'T4', memory: '15360Mi', slot: '0000:3B:00.0' }],
  [['1', 'GPU-b', '', '[N/A]', ''], { index: 1, uuid: 'GPU-b', slot: '' }],
  [['No devices were found'], undefined],
])('the row %j says %j', (row, gpu) => {
  expect(parseGpu(row)).toEqual(gpu)
})

it('display controllers are those of the PCI bus, whatever drives them, and nothing else of it', async () => {
  const devices = 'sys/bus/pci/devices'
  await show({
    [`${devices}/0000:00:02.0/class`]: '0x030000',
    [`${devices}/0000:00:02.0/vendor`]: '0x8086',
    [`${devices}/0000:00:02.0/device`]: '0x9a49',
    [`${devices}/0000:00:02.0/numa_node`]: '-1',
    [`${devices}/0000:65:00.0/class`]: '0x030200',
    [`${devices}/0000:65:00.0/vendor`]: '0x10de',
    [`${devices}/0000:65:00.0/device`]: '0x20b0',
    [`${devices}/0000:65:00.0/numa_node`]: '1',
    [`${devices}/0000:65:00.0/driver`]: '-> ../../../../bus/pci/drivers/vfio-pci',
    [`${devices}/0000:65:00.0/iommu_group`]: '-> ../../../../kernel/iommu_groups/31',
    [`${devices}/0000:00:1f.0/class`]: '0x060100',
  })
  expect(await readDisplayDevices(roots)).toEqual([
    { pciAddress: '0000:00:02.0', vendor: '0x8086', device: '0x9a49' },
    { pciAddress: '0000:65:00.0', vendor: '0x10de', device: '0x20b0', driver: 'vfio-pci', numaNode: 1, iommuGroup: 31 },
  ])
  expect(await readDisplayDevices({ ...roots, sys: path.join(folder, 'none') })).toEqual([])
})
