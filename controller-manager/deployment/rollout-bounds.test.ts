import { expect, it } from 'vitest'
import { aDeployment } from '../fixtures/replicated.js'
import { rolloutBounds } from './rollout-bounds.js'

it.each<[number, number | string, number | string, number, number]>([
  [10, '25%', '25%', 3, 2],
  [3, '25%', '25%', 1, 0],
  [1, '25%', '25%', 1, 0],
  [4, 1, 0, 1, 0],
  [4, 0, 1, 0, 1],
  [4, '0%', '1%', 0, 1],
  [4, 0, '0%', 0, 1],
  [100, '7%', '7%', 7, 7],
  [3, '200%', '100%', 6, 3],
  [3, 0, 10, 0, 3],
  [0, 0, 0, 0, 0],
])('of %i replicas, %s above and %s below are %i and %i tasks', (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } as const
  expect(rolloutBounds(aDeployment({ spec: { replicas, strategy } }))).toEqual({ replicas, maxSurge: surge, maxUnavailable: unavailable })
})

it('without a word a quarter, and none above where all are recreated', () => {
  expect(rolloutBounds(aDeployment({ spec: { replicas: 8 } }))).toEqual({ replicas: 8, maxSurge: 2, maxUnavailable: 2 })
  expect(rolloutBounds(aDeployment({ spec: { replicas: 8, strategy: { type: 'Recreate' } } }))).toEqual({
    replicas: 8,
    maxSurge: 0,
    maxUnavailable: 8,
  })
})
