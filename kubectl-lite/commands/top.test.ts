/** `top`, and what `describe node` says of load; the agents say what the test wants. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

const usage = { cpuCores: 0.5, memoryBytes: 2 * 1024 ** 3, windowMs: 15_000 }
const machine = {
  ...usage,
  diskUsedBytes: 25 * 1024 ** 3,
  load: [0.5, 1, 1.5],
  temperatures: [
    { label: 'nvme Composite', celsius: 38.9 },
    { label: 'coretemp Package', celsius: 61.2 },
  ],
  gpus: [{ index: 0, utilizationPercent: 35, memoryUsedBytes: 12 * 1024 ** 3, memoryTotalBytes: 40 * 1024 ** 3, celsius: 70 }],
}
const notAskedFor = () => Promise.reject(new Error('not asked for'))

let line: CommandLine
const uids: Record<string, string> = {}
let asked = 0
beforeAll(async () => {
  line = await commandLine({
    streams: {
      streamLog: notAskedFor,
      openSession: notAskedFor,
      streamSnapshot: notAskedFor,
      tunnelCounts: notAskedFor,
      handleGateway: () => {},
      handleUpgrade: () => {},
      async readStats(node, { of }) {
        asked++
        if (node === 'n2') return undefined
        if (of === 'machine') return { machine, workloads: [] }
        const workload = (kind: 'Task' | 'Vps', name: string, cpuCores: number, memoryBytes: number) => ({
          ...usage,
          kind,
          uid: uids[name] ?? '',
          attempt: 0,
          cpuCores,
          memoryBytes,
        })
        const mebibyte = 1024 ** 2
        return {
          workloads: [
            workload('Task', 'small', 0.1, 30 * mebibyte),
            workload('Task', 'busy', 1.5, 20 * mebibyte),
            workload('Vps', 'box', 0.25, 512 * mebibyte),
          ],
        }
      },
    },
  })
  const capacity = { cpu: '8', memory: '16Gi', 'ephemeral-storage': '100Gi' }
  const devices = {
    gpus: [{ index: 0, model: 'NVIDIA A100', pciAddress: '0000:65:00.0', numaNode: 1 }],
    displayDevices: [
      { pciAddress: '0000:03:00.0', vendor: '0x1a03', device: '0x2000', driver: 'ast' },
      { pciAddress: '0000:65:00.0', vendor: '0x10de', device: '0x20b0', driver: 'nvidia' },
    ],
    numa: [{ id: 0, cpus: '0-7', memory: '16Gi' }],
    backends: [
      { name: 'qemu', available: true, isolation: 'vm', message: 'guests run without KVM, and therefore slowly: there is no /dev/kvm' },
    ],
    images: Array.from({ length: 12 }, (_, index) => ({ names: [`image:${index}`], sizeBytes: 1024 ** 2 })),
  }
  await make('v1', 'Node', 'n1', {}, { capacity, ...devices }, { rack: 'a' })
  await make('v1', 'Node', 'n2', {}, { capacity })
  const task = (name: string, spec: object, phase = 'Running', labels = {}) =>
    make('millrace.dev/v1', 'Task', name, { image: 'busybox', ...spec }, { phase }, labels)
  await task('small', { nodeName: 'n1' }, 'Running', { app: 'small' })
  await task('busy', { nodeName: 'n1', resources: { limits: { cpu: '2', memory: '80Mi' } } })
  await task('lost', { nodeName: 'n2' }, 'Unknown')
  await task('over', { nodeName: 'n1' }, 'Succeeded')
  await make(
    'millrace.dev/v1',
    'Vps',
    'box',
    { image: 'debian', nodeName: 'n1', resources: { limits: { memory: '1Gi' } } },
    { phase: 'Running' },
  )
})
afterAll(async () => await line[Symbol.asyncDispose]())

async function make(apiVersion: string, kind: string, name: string, spec: object, status: object, labels: object = {}): Promise<void> {
  const created = await line.run('create -f -', { input: JSON.stringify({ apiVersion, kind, metadata: { name, labels }, spec }) })
  expect(created).toMatchObject({ code: 0, err: '' })
  const object = `${kind.toLowerCase()}/${name}`
  expect(await line.run(['patch', object, '--subresource=status', '-p', JSON.stringify({ status })])).toMatchObject({ code: 0 })
  uids[name] = (await line.run(`get ${object} -o jsonpath={.metadata.uid}`)).out
}

const out = async (words: string): Promise<string> => {
  const result = await line.run(words)
  expect(result, words).toMatchObject({ code: 0, err: '' })
  return result.out
}
const rows = async (words: string) =>
  (await out(words))
    .trimEnd()
    .split('\n')
    .map((row) => row.split(/ {2,}/))

describe('top nodes', () => {
  it('shows how loaded each is, and that one does not answer', async () => {
    expect(await rows('top nodes')).toEqual([
      ['NAME', 'CPU', 'CPU%', 'MEMORY', 'MEMORY%'],
      ['n1', '0.5', '6%', '2Gi', '13%'],
      ['n2', '<unknown>', '<unknown>', '<unknown>', '<unknown>'],
    ])
    expect(await rows('top node -l rack=a --no-headers')).toEqual([['n1', '0.5', '6%', '2Gi', '13%']])
    expect((await rows('top node/n2 --no-headers')).map(([name]) => name)).toEqual(['n2'])
  })

  it('shows disk, load, temperature and GPUs when asked for more', async () => {
    expect(await rows('top nodes -o wide')).toEqual([
      ['NAME', 'CPU', 'CPU%', 'MEMORY', 'MEMORY%', 'DISK', 'DISK%', 'LOAD', 'TEMPERATURE', 'GPU'],
      ['n1', '0.5', '6%', '2Gi', '13%', '25Gi', '25%', '0.50', '61°C', '0: 35% 12Gi/40Gi 70°C'],
      ['n2', ...Array.from({ length: 9 }, () => '<unknown>')],
    ])
  })
})

describe('top of what runs', () => {
  it('shows Tasks with their share of what they may use, whoever uses most first', async () => {
    const busy = ['busy', 'n1', '1.5', '75%', '20Mi', '25%']
    const small = ['small', 'n1', '0.1', '-', '30Mi', '-']
    const lost = ['lost', 'n2', '<unknown>', '<unknown>', '<unknown>', '<unknown>']
    expect(await rows('top tasks')).toEqual([['NAME', 'NODE', 'CPU', 'CPU%', 'MEMORY', 'MEMORY%'], busy, lost, small])
    expect(await rows('top tasks --sort-by cpu --no-headers')).toEqual([busy, small, lost])
    expect(await rows('top tasks --sort-by memory --no-headers')).toEqual([small, busy, lost])
    expect(await rows('top tasks -l app=small --no-headers')).toEqual([small])
    expect(await rows('top task busy small --no-headers')).toEqual([busy, small])
    expect(await rows('top tasks -A --no-headers -l app=small')).toEqual([['default', ...small]])
  })

  it('shows Vpses', async () => {
    expect(await rows('top vps --no-headers')).toEqual([['box', 'n1', '250m', '-', '512Mi', '50%']])
  })

  it('says that nothing of it runs', async () => {
    expect(await line.run('top task over')).toEqual({ code: 0, out: '', err: 'none of these runs\n' })
    expect(await line.run('top vps -l no=such')).toEqual({ code: 0, out: '', err: 'No resources found\n' })
  })
})

it('top --watch shows it again and again, until Ctrl-C', async () => {
  const interrupt = new AbortController()
  const before = asked
  const result = await line.run('top nodes --watch --interval 1ms', {
    signal: interrupt.signal,
    onOut: (text) => {
      if (text.split('\n\n').length === 3) interrupt.abort()
    },
  })
  expect(result.code).toBe(130)
  const tables = result.out.split('\n\n')
  expect(tables.length).toBeGreaterThanOrEqual(3)
  expect(tables[2]).toContain('n1')
  expect(asked - before).toBeGreaterThanOrEqual(3)
})

it.each([
  ['top pods', 'top shows nodes, tasks and vps, not pods'],
  ['top tasks,nodes', 'name one kind'],
  ['top tasks -o wide', '-o wide is for nodes'],
  ['top task busy -A', 'name objects, or select them'],
  ['top nodes --sort-by disk', "argument 'disk' is invalid"],
  ['top nodes --interval often', 'It is a duration'],
])('%s is refused', async (words, message) => {
  const { code, err } = await line.run(words)
  expect(code).not.toBe(0)
  expect(err).toContain(message)
})

it('top task of what is absent says so', async () => {
  expect(await line.run('top task absent')).toMatchObject({ code: 3, err: expect.stringContaining('not found') })
})

describe('describe node', () => {
  it('shows what it has, and how loaded it is now', async () => {
    const text = await out('describe node n1')
    expect(text).toMatch(
      /GPUs: +0: NVIDIA A100 \(0000:65:00\.0, NUMA node 1\) 35% 12Gi\/40Gi 70°C\n +not usable: 0000:03:00\.0 0x1a03:0x2000, driver ast\n/,
    )
    expect(text).toMatch(/Backends: +qemu: isolation vm, guests run without KVM, and therefore slowly: there is no \/dev\/kvm\n/)
    expect(text).toMatch(/NUMA: +0: CPUs 0-7, memory 16Gi\n/)
    expect(text).toMatch(/Images: +image:0 \(1Mi\)\n[\s\S]*image:9 \(1Mi\)\n +and 2 more\n/)
    expect(text).toMatch(/Usage: +0\.5 cpu \(6%\), 2Gi memory \(13%\), 25Gi disk \(25%\), over 15s\n/)
    expect(text).toMatch(/Load: +0\.5, 1, 1\.5 \(1, 5 and 15 minutes\)\n/)
    expect(text).toMatch(/Temperatures: +nvme Composite: 38\.9°C\n +coretemp Package: 61\.2°C\n/)
  })

  it('says why the load of a node is not known', async () => {
    expect(await out('describe node n2')).toMatch(/Usage: +<unknown>: .*the agent of node "n2" does not say how loaded it is/)
  })
})
