import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskProbe } from '../../../lib/api/kinds/task.js'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { Prober } from './prober.js'
import type { ProbeOutcome } from './run-probe.js'

let clock: ManualClock
let outcome: Record<number, ProbeOutcome>
let probed: Record<number, number>
let changes: number

beforeEach(() => {
  clock = new ManualClock()
  outcome = {}
  probed = {}
  changes = 0
})

/** Probes are told apart by their port. */
const aProbe = (port: number, probe: Partial<TaskProbe> = {}): TaskProbe => ({
  tcp: { port },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
  ...probe,
})
const start = async (spec: ConstructorParameters<typeof Prober>[0]['spec']) => {
  const prober = new Prober({
    spec,
    clock,
    onChange: () => changes++,
    probe: async ({ tcp }) => {
      const port = tcp?.port ?? 0
      probed[port] = (probed[port] ?? 0) + 1
      return outcome[port]
    },
  })
  await clock.advance(0)
  return prober
}

describe('a readiness probe', () => {
  it('says ready after its successes in a row, and not ready after its failures in a row', async () => {
    const prober = await start({ readinessProbe: aProbe(1, { successThreshold: 2 }) })
    expect(prober.results).toEqual({})
    await clock.advance(10_000)
    expect(prober.results).toMatchObject({ ready: true })
    outcome[1] = 'no'
    await clock.advance(20_000)
    expect(prober.results).toMatchObject({ ready: true })
    await clock.advance(10_000)
    expect(prober.results).toMatchObject({ ready: false, message: 'no' })
    outcome[1] = undefined
    await clock.advance(20_000)
    expect(prober.results).toMatchObject({ ready: true })
    expect(changes).toBe(3)
    prober.stop()
    expect(clock.timers).toBe(0)
  })

  it('waits for its initial delay', async () => {
    const prober = await start({ readinessProbe: aProbe(1, { initialDelaySeconds: 30 }) })
    await clock.advance(29_999)
    expect(probed).toEqual({})
    await clock.advance(1)
    expect(prober.results).toMatchObject({ ready: true })
    prober.stop()
  })
})

describe('a liveness probe', () => {
  it('is failed after its failures in a row, not before', async () => {
    outcome[1] = 'dead'
    const prober = await start({ livenessProbe: aProbe(1) })
    await clock.advance(10_000)
    expect(prober.results.live).toBeUndefined()
    await clock.advance(10_000)
    expect(prober.results).toMatchObject({ live: false, message: 'dead' })
    prober.stop()
  })
})

describe('a startup probe', () => {
  it('keeps the others waiting until it succeeds', async () => {
    outcome[1] = 'not yet'
    const prober = await start({ startupProbe: aProbe(1, { failureThreshold: 30 }), livenessProbe: aProbe(2), readinessProbe: aProbe(3) })
    await clock.advance(60_000)
    expect(probed).toEqual({ 1: 7 })
    outcome[1] = undefined
    await clock.advance(10_000)
    expect(prober.results).toMatchObject({ started: true, live: true, ready: true })
    await clock.advance(10_000)
    expect(probed[1]).toBe(8)
    prober.stop()
  })

  it('that fails for good says so, and nothing else is probed', async () => {
    outcome[1] = 'never'
    const prober = await start({ startupProbe: aProbe(1, { failureThreshold: 2 }), livenessProbe: aProbe(2) })
    await clock.advance(100_000)
    expect(prober.results).toMatchObject({ started: false, message: 'never' })
    expect(probed).toEqual({ 1: 2 })
    expect(clock.timers).toBe(0)
  })
})
