import { describe, expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Toleration } from '../../lib/api/kinds/workload.js'
import { aTask } from '../fixtures/builders.js'
import { decideEviction, type StandingTaint } from './decide-eviction.js'

const standing = (key: string, seconds: number, effect: 'NoExecute' = 'NoExecute'): StandingTaint => ({
  taint: { key, effect },
  sinceMs: seconds * 1000,
})
const unreachable = (seconds: number) => standing('node.kubernetes.io/unreachable', seconds)
const notReady = (seconds: number) => standing('node.kubernetes.io/not-ready', seconds)
const drain = standing('millrace.dev/drain', 0)
const empty = (seconds: number) => standing('maintenance', seconds)
const tolerating = (...tolerations: Partial<Toleration>[]): Task['spec']['tolerations'] =>
  tolerations.map((toleration) => ({ operator: 'Exists', ...toleration }))
const reschedule = { onNodeLost: 'Reschedule' } as const

describe('a task on a tainted node', () => {
  it.each<[string, Partial<Task['spec']>, StandingTaint[], boolean, string]>([
    ['stays without taints', {}, [], false, 'stay'],
    ['leaves at once for a taint that it does not tolerate', {}, [empty(0)], false, 'evict'],
    ['stays when it tolerates the taint for ever', { tolerations: tolerating({ key: 'maintenance' }) }, [empty(9e6)], false, 'stay'],
    ['stays when it tolerates everything', { tolerations: tolerating({}) }, [empty(9e6), unreachable(9e6)], false, 'stay'],
    [
      'waits while its seconds last',
      { tolerations: tolerating({ key: 'maintenance', tolerationSeconds: 60 }) },
      [empty(59)],
      false,
      'wait 1',
    ],
    [
      'leaves when its seconds are over',
      { tolerations: tolerating({ key: 'maintenance', tolerationSeconds: 60 }) },
      [empty(60)],
      false,
      'evict',
    ],
    [
      'takes the shortest of several tolerations',
      { tolerations: tolerating({ tolerationSeconds: 600 }, { key: 'maintenance', tolerationSeconds: 60 }) },
      [empty(60)],
      false,
      'evict',
    ],
    [
      'takes a toleration of zero or fewer seconds as none',
      { tolerations: tolerating({ tolerationSeconds: -5 }) },
      [empty(0)],
      false,
      'evict',
    ],
    [
      'is judged by each taint on its own',
      { tolerations: tolerating({ key: 'maintenance' }) },
      [empty(10), standing('other', 0)],
      false,
      'evict',
    ],
    ['that may be rescheduled waits five minutes for a silent node', reschedule, [unreachable(299)], false, 'wait 1'],
    ['that may be rescheduled leaves a silent node after five minutes', reschedule, [unreachable(300)], false, 'evict'],
    ['that may be rescheduled leaves a node that is not ready after five minutes', reschedule, [notReady(300)], false, 'evict'],
    ['that is kept waits for its node as long as it takes', { onNodeLost: 'Keep' }, [unreachable(9e6), notReady(9e6)], false, 'stay'],
    [
      'that is kept and says for how long leaves then',
      { onNodeLost: 'Keep', tolerations: tolerating({ key: 'node.kubernetes.io/unreachable', tolerationSeconds: 30 }) },
      [unreachable(30)],
      false,
      'evict',
    ],
    ['stays on a silent node while most nodes are silent', reschedule, [unreachable(9e6)], true, 'stay'],
    ['leaves a node that somebody wants empty even while most are silent', {}, [unreachable(9e6), empty(0)], true, 'evict'],
  ])('%s', (_name, spec, taints, outage, expected) => {
    const decision = decideEviction(aTask({ spec }), taints, outage)
    expect(decision.type === 'wait' ? `wait ${decision.leftMs / 1000}` : decision.type).toBe(expected)
  })

  it('is told which taint it leaves for, and why now', () => {
    expect(decideEviction(aTask(), [empty(0)], false)).toEqual({
      type: 'evict',
      message: 'its node has the taint maintenance:NoExecute, which it does not tolerate',
      asks: false,
    })
    expect(decideEviction(aTask({ spec: reschedule }), [unreachable(300)], false)).toEqual({
      type: 'evict',
      message: 'its node has the taint node.kubernetes.io/unreachable:NoExecute, which it tolerates for 300 s only',
      asks: false,
    })
  })

  it.each<[string, StandingTaint[], boolean | undefined]>([
    ['a drain', [drain], true],
    ['a drain that shall not ask', [{ ...drain, taint: { ...drain.taint, value: 'forced' } }], false],
    ['a drain and another taint', [drain, empty(0)], false],
    ['a drain and a node in doubt, not yet for long', [drain, unreachable(9)], true],
    ['a drain and a node in doubt for long', [drain, unreachable(300)], false],
    ['a node in doubt, not yet for long', [unreachable(9)], undefined],
  ])('asks disruption budgets for %s alone', (_name, taints, asks) => {
    const decision = decideEviction(aTask({ spec: reschedule }), taints, false)
    expect(decision.type === 'evict' ? decision.asks : undefined).toBe(asks)
  })
})
