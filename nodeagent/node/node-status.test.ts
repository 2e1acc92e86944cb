import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { type MachineFacts, readMachineFacts, readNuma, withDeclared } from './machine-facts.js'
import { type NodeObservation, nodeStatus } from './node-status.js'

const now = Date.UTC(2026, 0, 1)
const facts: MachineFacts = {
  hostname: 'machine',
  architecture: 'amd64',
  cpus: 8,
  memoryBytes: 16 * 1024 ** 3,
  diskBytes: 100 * 1024 ** 3,
  addresses: ['10.0.0.5'],
  numa: [{ id: 0, cpus: '0-7' }],
  gpus: [],
  displayDevices: [],
  kernel: '6.1',
  osImage: 'Debian',
  bootId: 'b',
  machineId: 'm',
}
const settings = { cpuFactor: 4, maxWorkloads: 110, version: '0.1.0' }
const docker = {
  name: 'docker',
  features: new Set(['image', 'exec'] as const),
  available: true,
  version: '20.10',
  isolation: 'container',
  limits: 'enforced',
} as const
const plain = {
  name: 'process',
  features: new Set(['exec'] as const),
  available: true,
  version: '0.1.0',
  isolation: 'none',
  limits: 'watched',
} as const
const seen = (backends: NodeObservation['backends'], more: Partial<NodeObservation> = {}): NodeObservation => ({
  backends,
  freeMemoryBytes: 8 * 1024 ** 3,
  freeDiskBytes: 50 * 1024 ** 3,
  ...more,
})
const conditions = (status: ReturnType<typeof nodeStatus>) =>
  Object.fromEntries(
    ['Ready', 'BackendReady', 'MemoryPressure', 'DiskPressure'].map((type) => [type, findCondition({ status }, type)?.status]),
  )

describe('the status of a node', () => {
  it('says what the machine has, and keeps something of its memory back', () => {
    const status = nodeStatus(undefined, facts, seen([docker]), settings, now)
    expect(status.capacity).toEqual({ cpu: '8', memory: '16777216Ki', 'ephemeral-storage': '104857600Ki', pods: '110' })
    expect(status.allocatable).toMatchObject({ cpu: '8', memory: `${16777216 - 512 * 1024}Ki` })
    expect(status.addresses).toEqual([
      { type: 'InternalIP', address: '10.0.0.5' },
      { type: 'Hostname', address: 'machine' },
    ])
    expect(status.nodeInfo?.containerRuntimeVersion).toBe('docker://20.10')
    expect(conditions(status)).toEqual({ Ready: 'True', BackendReady: 'True', MemoryPressure: 'False', DiskPressure: 'False' })
  })

  it('has the isolation of its weakest backend that works', () => {
    const isolation = (...backends: NodeObservation['backends']) => nodeStatus(undefined, facts, seen(backends), settings, now).isolation
    expect(isolation(docker)).toBe('container')
    expect(isolation(docker, plain)).toBe('none')
    expect(isolation(docker, { ...plain, isolation: 'user' })).toBe('user')
    expect(isolation(docker, { ...plain, available: false })).toBe('container')
  })

  it('says which backend does not work and why, and is not ready when none does', () => {
    const broken = { ...docker, available: false, message: 'no Docker engine answers' }
    const one = nodeStatus(undefined, facts, seen([broken, plain]), settings, now)
    expect(conditions(one)).toMatchObject({ Ready: 'True', BackendReady: 'False' })
    expect(findCondition({ status: one }, 'BackendReady')?.message).toBe('docker: no Docker engine answers')
    expect(conditions(nodeStatus(undefined, facts, seen([broken]), settings, now))).toMatchObject({ Ready: 'False', BackendReady: 'False' })
  })

  it('says when memory or disk are nearly used up', () => {
    const tight = seen([docker], { freeMemoryBytes: 1024 ** 2, freeDiskBytes: 1024 ** 2 })
    expect(conditions(nodeStatus(undefined, facts, tight, settings, now))).toMatchObject({ MemoryPressure: 'True', DiskPressure: 'True' })
  })

  it('is the same again when nothing changed, and takes Ready back after it was in doubt', () => {
    const status = nodeStatus(undefined, facts, seen([docker]), settings, now)
    expect(nodeStatus(status, facts, seen([docker], { freeMemoryBytes: 7 * 1024 ** 3 }), settings, now + 60_000)).toEqual(status)
    const doubted = {
      ...status,
      conditions: status.conditions?.map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'Unknown' as const } : condition,
      ),
    }
    expect(conditions(nodeStatus(doubted, facts, seen([docker]), settings, now)).Ready).toBe('True')
  })

  it('names GPUs as a resource', () => {
    const status = nodeStatus(undefined, { ...facts, gpus: [{ index: 0 }, { index: 1 }] }, seen([docker]), settings, now)
    expect(status.capacity?.['millrace.dev/gpu']).toBe('2')
  })
})

describe('what is declared', () => {
  it('is what the node has to give', () => {
    expect(withDeclared(facts, {})).toEqual(facts)
    const status = nodeStatus(undefined, withDeclared(facts, { cpus: 64, memoryBytes: 8 * 1024 ** 3 }), seen([docker]), settings, now)
    expect(status.capacity).toMatchObject({ cpu: '64', memory: `${8 * 1024 ** 2}Ki` })
  })

  it('is no more memory than there is', () => {
    expect(() => withDeclared(facts, { memoryBytes: facts.memoryBytes + 1 })).toThrow(/the machine has 16Gi of memory/)
  })
})

describe('the facts of the machine', () => {
  it('are there', async () => {
    const read = await readMachineFacts(tmpdir(), '/usr/bin:/bin')
    expect(read.cpus).toBeGreaterThan(0)
    expect(read.memoryBytes).toBeGreaterThan(64 * 1024 ** 2)
    expect(read.diskBytes).toBeGreaterThan(0)
    expect(read.bootId).toMatch(/^[0-9a-f-]{36}$/)
    expect(read.addresses.length).toBe(1)
  })

  it('have the NUMA nodes that the kernel shows', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mr-sys-'))
    try {
      const files = {
        'node/node1/cpulist': '4-7',
        'node/node1/meminfo': 'Node 1 MemTotal:       2048 kB',
        'node/node0/cpulist': '0-3',
        'node/node0/meminfo': 'Node 0 MemTotal:       1024 kB',
        'node/has_cpu': '0-1',
      }
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
        await writeFile(path.join(folder, name), `${text}\n`)
      }
      expect(await readNuma(path.join(folder, 'node'))).toEqual([
        { id: 0, cpus: '0-3', memory: '1024Ki' },
        { id: 1, cpus: '4-7', memory: '2048Ki' },
      ])
      expect(await readNuma(path.join(folder, 'none'))).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
