import { describe, expect, it } from 'vitest'
import type { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { aTask, type TaskParts } from '../fixtures/builders.js'
import { countBudget, type Scalers } from './count-budget.js'

const nowMs = Date.UTC(2026, 0, 1, 12)
const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString()
const conditions = (...types: string[]) => types.map((type) => ({ type, status: 'True' as const, reason: 'Evicted' }))
const healthy = { conditions: conditions('Running', 'Ready') }

let made = 0
const ownedBy = (uid: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true }],
})
const task = (parts: TaskParts = {}): Task => aTask({ name: `t${made++}`, status: healthy, ...parts })
const several = (count: number, parts: TaskParts = {}) => Array.from({ length: count }, () => task(parts))
const scalers = (replicas: Record<string, number>): Scalers =>
  new Map(Object.entries(replicas).map(([uid, count]) => [uid, { uid, replicas: count }]))

type Spec = PodDisruptionBudget['spec']
const count = (
  spec: Spec,
  tasks: readonly Task[],
  replicas: Record<string, number> = {},
  disruptedPods?: Record<string, string>,
  allSeen = false,
) => countBudget({ spec, ...(disruptedPods && { status: { disruptedPods } }) }, tasks, scalers(replicas), nowMs, allSeen)

describe('a budget', () => {
  it.each<[string, Spec, Task[], Record<string, number>, [expected: number, desired: number, current: number, allowed: number]]>([
    ['minAvailable 3 of five bare Tasks', { minAvailable: 3 }, several(5), {}, [5, 3, 5, 2]],
    ['minAvailable of more than there are', { minAvailable: 9 }, several(5), {}, [5, 9, 5, 0]],
    ['minAvailable of nothing', { minAvailable: 0 }, [], {}, [0, 0, 0, 0]],
    ['what has ended', { minAvailable: 1 }, [task(), task({ status: { conditions: conditions('Complete') } })], {}, [1, 1, 1, 0]],
    ['minAvailable as a share, rounded up', { minAvailable: '50%' }, several(7, { metadata: ownedBy('rs') }), { rs: 7 }, [7, 4, 7, 3]],
    ['more wanted than are there', { minAvailable: '50%' }, several(4, { metadata: ownedBy('rs') }), { rs: 10 }, [10, 5, 4, 0]],
    ['maxUnavailable 1', { maxUnavailable: 1 }, several(5, { metadata: ownedBy('rs') }), { rs: 5 }, [5, 4, 5, 1]],
    ['maxUnavailable as a share, rounded up', { maxUnavailable: '30%' }, several(7, { metadata: ownedBy('rs') }), { rs: 7 }, [7, 4, 7, 3]],
    ['maxUnavailable of more than there are', { maxUnavailable: 9 }, several(2, { metadata: ownedBy('rs') }), { rs: 2 }, [2, 0, 2, 2]],
    ['a scale of nothing', { maxUnavailable: 1 }, several(2, { metadata: ownedBy('rs') }), { rs: 0 }, [0, 0, 2, 0]],
    [
      'several controllers',
      { maxUnavailable: '50%' },
      [...several(3, { metadata: ownedBy('a') }), ...several(2, { metadata: ownedBy('b') })],
      { a: 3, b: 3 },
      [6, 3, 5, 2],
    ],
  ])('counts %s', (_name, spec, tasks, replicas, [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]) => {
    expect(count(spec, tasks, replicas)).toMatchObject({
      type: 'counted',
      expectedPods,
      desiredHealthy,
      currentHealthy,
      disruptionsAllowed,
    })
  })

  it('counts no more than its status can hold', () => {
    const tasks = ['a', 'b'].map((uid) => task({ metadata: ownedBy(uid) }))
    const most = 2 ** 31 - 1
    expect(count({ maxUnavailable: 0 }, tasks, { a: most, b: most })).toMatchObject({ expectedPods: most, desiredHealthy: most })
  })

  it('counts a scaler above two controllers once', () => {
    const above = { uid: 'deployment', replicas: 4 }
    const tasks = [...several(3, { metadata: ownedBy('old') }), ...several(2, { metadata: ownedBy('new') })]
    const found: Scalers = new Map([
      ['old', above],
      ['new', above],
    ])
    expect(countBudget({ spec: { maxUnavailable: 1 } }, tasks, found, nowMs, false)).toMatchObject({
      expectedPods: 4,
      disruptionsAllowed: 2,
    })
  })

  it.each<[string, TaskParts]>([
    ['what is not ready', { status: { conditions: conditions('Running') } }],
    ['what is being deleted', { metadata: { deletionTimestamp: ago(1) } }],
    ['what a taint ended', { status: { conditions: conditions('Running', 'Ready', 'DisruptionTarget') } }],
    [
      'what runs on a silent node',
      { status: { conditions: [...conditions('Ready'), { type: 'Running', status: 'Unknown', reason: 'NodeUnreachable' }] } },
    ],
  ])('does not count %s as healthy', (_name, parts) => {
    expect(count({ minAvailable: 1 }, [...several(2), task(parts)])).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 })
  })

  it.each<Spec>([{ maxUnavailable: 1 }, { minAvailable: '50%' }])('with %j cannot count Tasks of nobody, and says which', (spec) => {
    const bare = Array.from({ length: 7 }, (_, n) => aTask({ name: `bare-${n}`, status: healthy }))
    expect(count(spec, [...bare, ...several(2, { metadata: ownedBy('rs') })], { rs: 2 })).toEqual({
      type: 'unknown',
      why: 'no controller says how many there should be of bare-0, bare-1, bare-2, bare-3, bare-4 and 2 more; without one, a budget takes a number as minAvailable and nothing else',
    })
    const ended = aTask({ name: 'ended', status: { conditions: conditions('Complete') } })
    expect(count(spec, [ended, ...several(2, { metadata: ownedBy('rs') })], { rs: 2 }).type).toBe('counted')
  })
})

describe('an eviction that was allowed', () => {
  const after = (name: string, parts: TaskParts | undefined, seconds: number) => {
    const others = [aTask({ name: 'b', status: healthy }), aTask({ name: 'c', status: healthy })]
    const tasks = [...(parts ? [aTask({ name, status: healthy, ...parts })] : []), ...others]
    const result = count({ minAvailable: 1 }, tasks, {}, { [name]: ago(seconds) })
    if (result.type === 'unknown') throw new Error(result.why)
    return [Object.keys(result.disruptedPods), result.currentHealthy, result.recountInMs]
  }
  const bound = (seconds: number) => ({
    status: { conditions: [...healthy.conditions, { type: 'Scheduled', status: 'True' as const, lastTransitionTime: ago(seconds) }] },
  })

  it.each<[string, TaskParts | undefined, number, [string[], number, number | undefined]]>([
    ['and cannot be seen yet counts for two minutes', {}, 30, [['a'], 2, 90_000]],
    ['and is not seen after two minutes is forgotten', {}, 120, [[], 3, undefined]],
    ['is forgotten when the Task is gone', undefined, 30, [[], 2, undefined]],
    [
      'is forgotten when its end can be seen',
      { status: { conditions: conditions('Running', 'Ready', 'DisruptionTarget') } },
      30,
      [[], 2, undefined],
    ],
    ['is forgotten when the Task is being deleted', { metadata: { deletionTimestamp: ago(1) } }, 30, [[], 2, undefined]],
    ['is not that of an attempt that was bound later', bound(10), 30, [[], 3, undefined]],
    ['is that of an attempt that was bound before', bound(60), 30, [['a'], 2, 90_000]],
  ])('%s', (_name, parts, seconds, expected) => {
    expect(after('a', parts, seconds)).toEqual(expected)
  })

  it('is not waited for once everything up to it has been seen, also within the second in which the next attempt was bound', () => {
    const tasks = ['a', 'b'].map((name) => aTask({ name, ...bound(0) }))
    expect(count({ minAvailable: 1 }, tasks, {}, { a: ago(0) })).toMatchObject({ disruptedPods: { a: ago(0) }, currentHealthy: 1 })
    expect(count({ minAvailable: 1 }, tasks, {}, { a: ago(0) }, true)).toMatchObject({ disruptedPods: {}, currentHealthy: 2 })
  })
})
