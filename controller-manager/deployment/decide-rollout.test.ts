import { describe, expect, it } from 'vitest'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { desiredReplicasAnnotation, maxReplicasAnnotation } from '../../lib/api/revisions.js'
import { aDeployment, aReplicaSet, aTemplate } from '../fixtures/replicated.js'
import { decideRecreate, decideRollingUpdate, type RolloutStep } from './decide-rollout.js'
import { decideScaling, isResized } from './decide-scaling.js'
import type { Rollout } from './rollout.js'

/** Spec, tasks that are there, tasks that are available; and the number of replicas, and the most, that it was sized for. */
type Numbers = readonly [spec: number, there?: number, available?: number, sizedFor?: number, most?: number]

const setOf = (name: string, [replicas, there = replicas, availableReplicas = there, sizedFor, most]: Numbers) =>
  aReplicaSet({
    name,
    metadata:
      sizedFor === undefined
        ? {}
        : { annotations: { [desiredReplicasAnnotation]: String(sizedFor), [maxReplicasAnnotation]: String(most ?? sizedFor) } },
    spec: { replicas, template: aTemplate(name) },
    status: { replicas: there, availableReplicas },
  })

interface Given {
  readonly replicas: number
  readonly surge?: number
  readonly unavailable?: number
  readonly new?: Numbers
  readonly old?: readonly Numbers[]
}

function rolloutWith({ replicas, surge = 1, unavailable = 0, new: newNumbers, old = [] }: Given): Rollout {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } as const
  return {
    deployment: aDeployment({ spec: { replicas, strategy } }),
    newSet: newNumbers && setOf('new', newNumbers),
    oldSets: old.map((numbers, index) => setOf(`old${index}`, numbers)),
  }
}

const told = (steps: readonly RolloutStep[]) =>
  steps.map((step) => (step.type === 'create' ? `create ${step.replicas}` : `${step.set.metadata.name} ${step.replicas}`)).join(', ')

describe('a rolling update', () => {
  it.each<[string, Given, string]>([
    ['makes the first set at once', { replicas: 3 }, 'create 3'],
    ['makes a set as large as the surge allows', { replicas: 3, old: [[3]] }, 'create 1'],
    ['makes an empty set where there is no room', { replicas: 3, surge: 0, unavailable: 1, old: [[3]] }, 'create 0'],
    ['waits for the new task to become available', { replicas: 3, new: [1, 1, 0], old: [[3]] }, ''],
    ['then takes an old one away', { replicas: 3, new: [1], old: [[3]] }, 'old0 2'],
    ['waits for the old one to go', { replicas: 3, new: [1], old: [[2, 3, 3]] }, ''],
    ['then makes another new one', { replicas: 3, new: [1], old: [[2]] }, 'new 2'],
    ['begins with an old one where nothing may be above', { replicas: 3, surge: 0, unavailable: 1, new: [0], old: [[3]] }, 'old0 2'],
    ['takes old ones away that are not available, first', { replicas: 3, new: [1, 1, 0], old: [[3, 3, 1]] }, ''],
    ['but no more than may be missing', { replicas: 4, surge: 1, unavailable: 1, new: [1, 1, 0], old: [[4, 4, 2]] }, 'old0 3'],
    ['takes the oldest first', { replicas: 4, surge: 2, new: [2], old: [[2], [2]] }, 'old0 0'],
    ['takes from several', { replicas: 4, surge: 4, new: [4], old: [[2], [2]] }, 'old0 0, old1 0'],
    ['ends the new set’s surplus', { replicas: 3, new: [5], old: [] }, 'new 3'],
    ['has nothing to do at its end', { replicas: 3, new: [3], old: [[0]] }, ''],
    ['rolls to nothing', { replicas: 0, new: [0], old: [[2]] }, 'old0 0'],
  ])('%s', (_what, given, expected) => {
    expect(told(decideRollingUpdate(rolloutWith(given)))).toBe(expected)
  })

  it.each<[string, Partial<ReplicaSet>]>([
    ['has not answered', { status: { observedGeneration: 0, replicas: 3, availableReplicas: 3 } }],
    ['has said nothing yet', { status: {} }],
  ])('takes no step while a set %s', (_what, difference) => {
    const rollout = rolloutWith({ replicas: 3, new: [1], old: [[3]] })
    const [old] = rollout.oldSets
    const waiting = { ...rollout, oldSets: [{ ...(old as ReplicaSet), ...difference }] }
    expect([decideRollingUpdate(waiting), decideScaling(waiting)]).toEqual([[], []])
  })

  it('waits while its new set is being deleted', () => {
    const rollout = rolloutWith({ replicas: 3, new: [3] })
    const going = { ...(rollout.newSet as ReplicaSet) }
    going.metadata = { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
    expect(decideRollingUpdate({ ...rollout, newSet: going })).toEqual([])
  })
})

describe('recreation', () => {
  it.each<[string, Given, boolean, string]>([
    ['makes the first set', { replicas: 3 }, true, 'create 3'],
    ['ends everything old', { replicas: 3, old: [[3], [1]] }, false, 'old0 0, old1 0'],
    ['waits for what still counts', { replicas: 3, old: [[0, 2]] }, true, ''],
    ['waits for what still runs', { replicas: 3, old: [[0]] }, false, ''],
    ['then makes the new set', { replicas: 3, old: [[0]] }, true, 'create 3'],
    ['goes back to a set that was there', { replicas: 3, new: [0], old: [[0]] }, true, 'new 3'],
    ['resizes', { replicas: 5, new: [3] }, true, 'new 5'],
    ['has nothing to do at its end', { replicas: 3, new: [3], old: [[0]] }, true, ''],
  ])('%s', (_what, given, isOldGone, expected) => {
    expect(told(decideRecreate(rolloutWith(given), isOldGone))).toBe(expected)
  })
})

describe('a new number of replicas', () => {
  it.each<[string, Given, string]>([
    ['goes to the only set there is', { replicas: 5, new: [3, 3, 3, 3] }, 'new 5'],
    ['goes to the old set where only that is there', { replicas: 5, old: [[3, 3, 3, 3]] }, 'old0 5'],
    ['goes to the new set where none has any', { replicas: 5, new: [0], old: [[0]] }, 'new 5'],
    ['goes to the newest set where there is no new one', { replicas: 5, old: [[0], [0]] }, 'old1 5'],
    ['waits for room', { replicas: 5, surge: 0, unavailable: 1, new: [2], old: [[0, 2]] }, 'new 3'],
    [
      'ends old sets where the new one has everything',
      { replicas: 3, surge: 3, new: [3, 3, 3, 3, 6], old: [[2, 2, 2, 3, 6]] },
      'new 3, old0 0',
    ],
    [
      'is shared by what each has',
      { replicas: 20, surge: 0, unavailable: 5, new: [4, 4, 4, 10, 10], old: [[6, 6, 6, 10, 10]] },
      'old0 12, new 8',
    ],
    [
      'is shared when it shrinks',
      { replicas: 5, surge: 0, unavailable: 5, new: [4, 4, 4, 10, 10], old: [[6, 6, 6, 10, 10]] },
      'old0 3, new 2',
    ],
    [
      'leaves what rounding leaves to the largest',
      { replicas: 11, surge: 0, unavailable: 3, new: [3, 3, 3, 9, 9], old: [[6, 6, 6, 9, 9]] },
      'old0 7, new 4',
    ],
    ['becomes nothing', { replicas: 0, new: [2, 2, 2, 4, 5], old: [[3, 3, 3, 4, 5]] }, 'old0 0, new 0'],
    [
      'leaves as many available as there must be',
      { replicas: 4, surge: 4, unavailable: 0, new: [5, 5, 0, 8, 12], old: [[7, 7, 4, 8, 12]] },
      'old0 5, new 3',
    ],
  ])('%s', (_what, given, expected) => {
    expect(told(decideScaling(rolloutWith(given)))).toBe(expected)
  })

  it('is seen by what the sets were sized for', () => {
    expect(isResized(rolloutWith({ replicas: 3, new: [3, 3, 3, 3] }))).toBe(false)
    expect(isResized(rolloutWith({ replicas: 4, new: [3, 3, 3, 3] }))).toBe(true)
    expect(isResized(rolloutWith({ replicas: 4, new: [3, 3, 3] }))).toBe(false)
    expect(isResized(rolloutWith({ replicas: 4, old: [[0, 0, 0, 3]] }))).toBe(false)
  })
})
