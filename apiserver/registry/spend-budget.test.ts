import { describe, expect, it } from 'vitest'
import { type ApiError, whyDisruptionRefused } from '../../lib/api/api-error.js'
import { findCondition } from '../../lib/api/condition.js'
import type { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import { aTask } from '../../lib/testing/a-task.js'
import type { ReadView, StoredObject } from '../storage/store.js'
import { BudgetFinder, spendBudget } from './spend-budget.js'

const nowMs = Date.UTC(2026, 0, 2)
const condition = (type: string, status: 'True' | 'False' | 'Unknown' = 'True', reason = 'x') => ({ type, status, reason })
const ready = { phase: 'Running', conditions: [condition('Running'), condition('Ready')] } as const
const notReady = { phase: 'Running', conditions: [condition('Running'), condition('Ready', 'False')] } as const
const silent = { phase: 'Unknown', conditions: [condition('Running', 'Unknown'), condition('Ready')] } as const

type Status = PodDisruptionBudget['status']
const aBudget = (status: Status = {}, spec: Partial<PodDisruptionBudget['spec']> = {}): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web', namespace: 'default', uid: 'u', generation: 2, resourceVersion: '1', creationTimestamp: '' },
  spec: { minAvailable: 3, ...spec },
  status: { observedGeneration: 2, disruptionsAllowed: 2, currentHealthy: 5, desiredHealthy: 3, expectedPods: 5, ...status },
})

function refusal(act: () => unknown): ApiError {
  try {
    act()
  } catch (error) {
    return error as ApiError
  }
  throw new Error('it was not refused')
}

it('two budgets of a Task are found, however many there are: they are enough to refuse its eviction', () => {
  const labels = { app: 'web' }
  const budgets = Array.from({ length: 50 }, (_, index) => {
    const { metadata, ...rest } = aBudget({}, { selector: { matchLabels: labels } })
    return { bytes: Buffer.from(JSON.stringify({ ...rest, metadata: { ...metadata, name: `b${index}` } })) } as StoredObject
  })
  const read: StoredObject[] = []
  const scan = function* () {
    for (const budget of budgets) {
      read.push(budget)
      yield budget
    }
  }
  const found = new BudgetFinder().of(aTask({ name: 'a', metadata: { labels } }), { scan } as unknown as ReadView)
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['b0', 'b1'])
  expect(read).toHaveLength(2)
})

describe('an eviction', () => {
  const task = (status: object) => aTask({ name: 'a', spec: { nodeName: 'n1' }, status })

  it('is taken from the budget, and noted with its time', () => {
    const spent = spendBudget(task(ready), [aBudget({ disruptedPods: { b: '2026-01-01T00:00:00Z' } })], nowMs)
    expect(spent?.status).toMatchObject({
      disruptionsAllowed: 1,
      currentHealthy: 5,
      disruptedPods: { a: '2026-01-02T00:00:00Z', b: '2026-01-01T00:00:00Z' },
    })
    expect(findCondition(spent ?? {}, 'DisruptionAllowed')).toMatchObject({ status: 'True', reason: 'SufficientPods' })
  })

  it('that takes the last says so in the condition', () => {
    const spent = spendBudget(task(ready), [aBudget({ disruptionsAllowed: 1 })], nowMs)
    expect(spent?.status?.disruptionsAllowed).toBe(0)
    expect(findCondition(spent ?? {}, 'DisruptionAllowed')).toMatchObject({ status: 'False', reason: 'InsufficientPods' })
  })

  it.each<[string, object, PodDisruptionBudget[]]>([
    ['of what no budget is about', ready, []],
    ['of what has ended', { phase: 'Failed', conditions: [condition('Complete')] }, [aBudget({ disruptionsAllowed: 0 })]],
    ['of what has not begun', { phase: 'Assigned' }, [aBudget({ disruptionsAllowed: 0 })]],
    ['of what is not ready, while enough others are', notReady, [aBudget({ disruptionsAllowed: 0, currentHealthy: 3 })]],
    ['of what nobody knows to run, while enough others do', silent, [aBudget({ disruptionsAllowed: 0, currentHealthy: 3 })]],
    [
      'of what is not ready, always, where the budget says so',
      notReady,
      [aBudget({ disruptionsAllowed: 0, currentHealthy: 0 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' })],
    ],
  ])('%s costs nothing', (_name, status, budgets) => {
    expect(spendBudget(task(status), budgets, nowMs)).toBeUndefined()
  })

  it.each<[string, object, PodDisruptionBudget, string]>([
    ['nothing is left', ready, aBudget({ disruptionsAllowed: 0, currentHealthy: 3 }), 'needs 3 healthy pods and has 3 currently'],
    [
      'too few are healthy, of one that is not ready either',
      notReady,
      aBudget({ disruptionsAllowed: 0, currentHealthy: 2 }),
      'needs 3 healthy pods and has 2 currently',
    ],
    [
      'no number must be healthy, of one that is not ready',
      notReady,
      aBudget({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0 }),
      'needs 0 healthy pods and has 0 currently',
    ],
    [
      'the budget cannot be counted',
      ready,
      aBudget({
        disruptionsAllowed: 0,
        conditions: [{ ...condition('DisruptionAllowed', 'False', 'SyncFailed'), message: 'a has no controller' }],
      }),
      'cannot be counted: a has no controller',
    ],
  ])('waits while %s', (_name, status, budget, why) => {
    const error = refusal(() => spendBudget(task(status), [budget], nowMs))
    expect([error.code, error.reason, error.message]).toEqual([
      429,
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
    ])
    expect(whyDisruptionRefused(error)).toBe(`The disruption budget web ${why}`)
    expect(error.details.retryAfterSeconds).toBeUndefined()
  })

  it('comes again at once when the budget has changed and was not counted yet', () => {
    const error = refusal(() => spendBudget(task(ready), [aBudget({ observedGeneration: 1 })], nowMs))
    expect(whyDisruptionRefused(error)).toBe('The disruption budget web is still being processed by the server.')
    expect(error.details.retryAfterSeconds).toBe(1)
  })

  it('is refused when two budgets are about the Task, naming both', () => {
    const other = aBudget()
    other.metadata.name = 'other'
    const error = refusal(() => spendBudget(task(ready), [other, aBudget()], nowMs))
    expect([error.code, error.message]).toEqual([500, expect.stringContaining('more than one PodDisruptionBudget')])
    expect(error.message).toContain('other, web')
  })

  it('is refused while thousands are not confirmed', () => {
    const disruptedPods = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`t${n}`, '2026-01-01T00:00:00Z']))
    expect(refusal(() => spendBudget(task(ready), [aBudget({ disruptedPods })], nowMs)).code).toBe(403)
  })
})
