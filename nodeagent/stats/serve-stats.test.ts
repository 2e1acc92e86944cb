import { describe, expect, it } from 'vitest'
import { readNodeStats } from '../../lib/api/node-stats.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { machineRoots } from '../node/machine-roots.js'
import { parseStatsRequest } from './serve-stats.js'
import { createStatsReader } from './stats-reader.js'

describe('a path', () => {
  it.each([
    ['/stats', { of: 'machine' }],
    ['/stats?of=workloads', { of: 'workloads' }],
    ['/stats/default/web?uid=u1', { of: 'workloads', uid: 'u1', kind: 'Task' }],
    ['/stats/default/box?uid=u1&kind=Vps&attempt=0', { of: 'workloads', uid: 'u1', kind: 'Vps' }],
    ['/stats/default', undefined],
    ['/stats/default/web/more?uid=u1', undefined],
    ['/logs/default/web', undefined],
  ])('%s asks for %j', (path, request) => {
    expect(parseStatsRequest(path)).toEqual(request)
  })

  it.each(['/stats?of=everything', '/stats/default/web'])('%s is refused', (path) => {
    expect(() => parseStatsRequest(path)).toThrow(RangeError)
  })
})

describe('workloads', () => {
  const counters = (nanos: number) => ({ cpuNanos: nanos, memoryBytes: 5, namespace: 'default', name: 'x' })
  it('are those of every backend; one that fails keeps none of the others back', async () => {
    const clock = new ManualClock()
    const stats = createStatsReader({
      clock,
      backends: [
        { usage: async () => [{ id: { uid: 't', attempt: 2, run: 1 }, ...counters(clock.monotonic() * 1e6) }] },
        { usage: () => Promise.reject(new Error('no engine')) },
        {},
      ],
      machines: [{ machineUsage: async () => [{ uid: 'v', ...counters(7) }] }],
      dataFolder: '/',
      searchPath: '',
      roots: machineRoots,
    })
    const asked = stats.readWorkloads(AbortSignal.timeout(60_000))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(1_000)
    const workloads = await asked
    expect(workloads).toEqual([
      { kind: 'Task', uid: 't', attempt: 2, cpuCores: 1, memoryBytes: 5, windowMs: 1_000 },
      { kind: 'Vps', uid: 'v', attempt: 0, cpuCores: 0, memoryBytes: 5, windowMs: 1_000 },
    ])
    expect(readNodeStats(JSON.stringify({ workloads }))).toEqual({ workloads })
  })
})

describe('an answer', () => {
  const usage = { cpuCores: 1, memoryBytes: 2, windowMs: 1000 }
  const machine = { ...usage, diskUsedBytes: 3, load: [1], temperatures: [], gpus: [] }
  it.each([
    ['nothing', {}, { workloads: [] }],
    ['a machine', { machine }, { machine, workloads: [] }],
    ['a machine without its disk', { machine: usage }, { workloads: [] }],
    ['numbers that are none', { machine: { ...machine, cpuCores: -1 } }, { workloads: [] }],
    [
      'lists that are none',
      { machine: { ...machine, gpus: 5, load: {}, temperatures: 'x' } },
      { machine: { ...machine, load: [] }, workloads: [] },
    ],
    [
      'a GPU of which little is known',
      { machine: { ...machine, gpus: [{ index: 0, celsius: 'hot' }, {}] } },
      { machine: { ...machine, gpus: [{ index: 0 }] }, workloads: [] },
    ],
    [
      'workloads of another kind, or without a uid',
      {
        workloads: [
          { ...usage, kind: 'Pod', uid: 'u', attempt: 0 },
          { ...usage, kind: 'Task' },
        ],
      },
      { workloads: [] },
    ],
    ['null', null, { workloads: [] }],
  ])('of %s is read as far as it makes sense', (_what, said, expected) => {
    expect(readNodeStats(JSON.stringify(said))).toEqual(expected)
  })
})
