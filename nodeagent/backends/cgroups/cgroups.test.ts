import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCgroups } from './cgroups.js'

let root: string
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'mr-cg-'))
})
afterEach(async () => await rm(root, { recursive: true, force: true }))
const read = (name: string) => readFile(path.join(root, name), 'utf8')

/** Plain folders stand for the kernel's: what is written where is what counts. */
it('version 2 is one group with its limits', async () => {
  await writeFile(path.join(root, 'cgroup.controllers'), 'cpu io memory pids\n')
  const cgroups = await openCgroups(root)
  expect(cgroups?.version).toBe(2)
  const files = await cgroups?.create('u.0.0', { memoryBytes: 1000, cpuLimitMillis: 500, cpuRequestMillis: 250 })
  expect(files).toEqual([path.join(root, 'millrace/u.0.0/cgroup.procs')])
  expect(await read('cgroup.subtree_control')).toBe('+memory +cpu +pids\n')
  expect(await read('millrace/cpu.weight')).toBe(`${Math.min(10_000, 100 * cpus().length)}\n`)
  expect(await read('millrace/u.0.0/memory.max')).toBe('1000\n')
  expect(await read('millrace/u.0.0/cpu.max')).toBe('50000 100000\n')
  expect(await read('millrace/u.0.0/cpu.weight')).toBe('25\n')
  expect(await read('millrace/u.0.0/pids.max')).toBe('4096\n')
  await writeFile(path.join(root, 'millrace/u.0.0/memory.events'), 'low 0\noom 1\noom_kill 1\n')
  await writeFile(path.join(root, 'millrace/u.0.0/cgroup.procs'), '12\n34\n')
  expect(await cgroups?.wasOomKilled('u.0.0')).toBe(true)
  expect(await cgroups?.pids('u.0.0')).toEqual([12, 34])
  expect(await cgroups?.usage('u.0.0')).toEqual({})
  await writeFile(path.join(root, 'millrace/u.0.0/memory.current'), '5000\n')
  await writeFile(path.join(root, 'millrace/u.0.0/memory.stat'), 'anon 1\ninactive_file 2000\n')
  await writeFile(path.join(root, 'millrace/u.0.0/cpu.stat'), 'usage_usec 1234\nuser_usec 1000\n')
  expect(await cgroups?.usage('u.0.0')).toEqual({ memoryBytes: 3000, cpuNanos: 1_234_000 })
  await cgroups?.freeze('u.0.0')
  expect(await cgroups?.isFrozen('u.0.0')).toBe(true)
  await cgroups?.thaw('u.0.0')
  expect(await cgroups?.isFrozen('u.0.0')).toBe(false)
})

it('version 1 is a group for each controller', async () => {
  for (const controller of ['memory', 'cpu', 'pids', 'freezer']) await mkdir(path.join(root, controller))
  const cgroups = await openCgroups(root)
  expect(cgroups?.version).toBe(1)
  const files = await cgroups?.create('u.0.0', { memoryBytes: 1000, cpuRequestMillis: 250 })
  expect(files).toHaveLength(4)
  expect(await read('memory/millrace/u.0.0/memory.limit_in_bytes')).toBe('1000\n')
  expect(await read('cpu/millrace/cpu.shares')).toBe(`${1024 * cpus().length}\n`)
  expect(await read('cpu/millrace/u.0.0/cpu.shares')).toBe('256\n')
  await writeFile(path.join(root, 'memory/millrace/u.0.0/memory.usage_in_bytes'), '5000\n')
  await writeFile(path.join(root, 'memory/millrace/u.0.0/memory.stat'), 'inactive_file 1\ntotal_inactive_file 2000\n')
  expect(await cgroups?.usage('u.0.0')).toEqual({ memoryBytes: 3000 })
  await writeFile(path.join(root, 'cpu/millrace/u.0.0/cpuacct.usage'), '777\n')
  expect(await cgroups?.usage('u.0.0')).toEqual({ memoryBytes: 3000, cpuNanos: 777 })
  expect(await cgroups?.wasOomKilled('u.0.0')).toBe(false)
  await writeFile(path.join(root, 'memory/millrace/u.0.0/memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n')
  expect(await cgroups?.wasOomKilled('u.0.0')).toBe(true)
})

it('where groups cannot be made there are none', async () => {
  expect(await openCgroups(root)).toBeUndefined()
  await writeFile(path.join(root, 'cgroup.controllers'), 'cpuset io\n')
  await mkdir(path.join(root, 'memory'))
  expect(await openCgroups(root)).toBeUndefined()
  expect(await readdir(root)).not.toContain('millrace')
})
