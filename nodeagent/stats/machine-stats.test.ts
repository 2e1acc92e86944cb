import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.js'
import { type MachineRoots, machineRoots } from '../node/machine-roots.js'
import { parseGpuUsage, readGpuUsage } from './gpu-usage.js'
import { busyTicks, readLoad, readMachineCounters } from './machine-counters.js'
import { createStatsReader } from './stats-reader.js'
import { readTemperatures } from './temperatures.js'

let folder: string
let roots: MachineRoots
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-stats-'))
  roots = { proc: path.join(folder, 'proc'), sys: path.join(folder, 'sys') }
})
afterEach(async () => await rm(folder, { recursive: true }))

async function show(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, `${text}\n`)
  }
}

const stat = 'cpu  100 20 30 5000 40 5 6 7 50 0\ncpu0 100 20 30 5000 40 5 6 7 50 0'
const meminfo = 'MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    6000 kB'

describe('what the machine uses', () => {
  it('is the time in which its CPUs worked, and memory that cannot be freed at once', async () => {
    await show({ 'proc/stat': stat, 'proc/meminfo': meminfo, 'proc/loadavg': '0.50 1.25 2.00 1/100 999' })
    expect(busyTicks(stat)).toBe(161)
    expect(await readMachineCounters(roots)).toEqual({ cpuNanos: 1_610_000_000, memoryBytes: 10_000 * 1024 })
    expect(await readLoad(roots)).toEqual([0.5, 1.25, 2])
  })

  it.each([
    ['version 1', '4:memory:/agent', 'memory/agent', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'],
    ['version 2', '0::/agent', 'agent', 'memory.max', 'memory.current', 'inactive_file'],
  ])('is the memory of its control group, of %s, where that limits it', async (_which, line, group, limit, usage, droppable) => {
    await show({
      'proc/stat': stat,
      'proc/meminfo': meminfo,
      'proc/self/cgroup': line,
      [`sys/fs/cgroup/${group}/${limit}`]: '4096000',
      [`sys/fs/cgroup/${group}/${usage}`]: '1000000',
      [`sys/fs/cgroup/${group}/memory.stat`]: `cache 7\n${droppable} 400000`,
    })
    expect((await readMachineCounters(roots)).memoryBytes).toBe(600_000)
    await show({ [`sys/fs/cgroup/${group}/${limit}`]: 'max' })
    expect((await readMachineCounters(roots)).memoryBytes).toBe(10_000 * 1024)
  })

  it('is read on this machine', async () => {
    const stats = createStatsReader({
      clock: systemClock,
      backends: [],
      machines: [],
      dataFolder: folder,
      searchPath: '/usr/bin:/bin',
      roots: machineRoots,
    })
    const machine = await stats.readMachine(AbortSignal.timeout(60_000))
    expect(machine.cpuCores).toBeGreaterThanOrEqual(0)
    expect(machine.memoryBytes).toBeGreaterThan(0)
    expect(machine.diskUsedBytes).toBeGreaterThan(0)
    expect(machine.windowMs).toBeGreaterThanOrEqual(1_000)
    expect(machine.load).toHaveLength(3)
  })
})

describe('temperatures', () => {
  const chip = 'sys/class/hwmon'
  const zone = 'sys/class/thermal/thermal_zone0'

  it('are those of the sensors, by their labels; two of one label are numbered', async () => {
    await show({
      [`${chip}/hwmon0/name`]: 'nvme',
      [`${chip}/hwmon0/temp1_label`]: 'Composite',
      [`${chip}/hwmon0/temp1_input`]: '38850',
      [`${chip}/hwmon1/name`]: 'nvme',
      [`${chip}/hwmon1/temp1_label`]: 'Composite',
      [`${chip}/hwmon1/temp1_input`]: '41000',
      [`${chip}/hwmon2/name`]: 'coretemp',
      [`${chip}/hwmon2/temp2_input`]: '-5000',
      [`${chip}/hwmon2/temp3_input`]: '',
      [`${chip}/hwmon2/fan1_input`]: '1200',
      [`${zone}/type`]: 'x86_pkg_temp',
      [`${zone}/temp`]: '50000',
    })
    expect(await readTemperatures(roots)).toEqual([
      { label: 'coretemp temp2', celsius: -5 },
      { label: 'nvme Composite', celsius: 38.9 },
      { label: 'nvme Composite (2)', celsius: 41 },
    ])
  })

  it('are those of thermal zones where there are no sensors, and none where there is nothing', async () => {
    expect(await readTemperatures(roots)).toEqual([])
    await show({ [`${zone}/type`]: 'acpitz', [`${zone}/temp`]: '50000' })
    expect(await readTemperatures(roots)).toEqual([{ label: 'acpitz', celsius: 50 }])
  })
})

describe('GPUs', () => {
  it.each([
    [
      ['0', '35', '1024', '40960', '61'],
      { index: 0, utilizationPercent: 35, memoryUsedBytes: 1024 ** 3, memoryTotalBytes: 40 * 1024 ** 3, celsius: 61 },
    ],
    [['1', '[N/A]', '[Not Supported]', '', '55'], { index: 1, celsius: 55 }],
    [['No devices were found'], undefined],
  ])('the row %j says %j', (row, usage) => {
    expect(parseGpuUsage(row)).toEqual(usage)
  })

  it('are those that nvidia-smi tells of, and none without it', async () => {
    expect(await readGpuUsage(folder)).toEqual([])
    await writeFile(path.join(folder, 'nvidia-smi'), "#!/bin/sh\necho '0, 35, 1024, 40960, 61'\n", { mode: 0o755 })
    expect(await readGpuUsage(`${folder}:/usr/bin:/bin`)).toMatchObject([{ index: 0, utilizationPercent: 35 }])
  })
})
