import { describe, expect, it } from 'vitest'
import type { Condition } from '../../lib/api/condition.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import { timestamp } from '../../lib/base/clock.js'
import { aDeployment } from '../fixtures/replicated.js'
import { deadlineMs, decideProgress, type ProgressQuestion } from './decide-progress.js'

const startMs = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number) => timestamp(startMs + seconds * 1000)
const progressing = (reason: string, seconds = 0, status: Condition['status'] = 'True'): Condition => ({
  type: 'Progressing',
  status,
  reason,
  lastUpdateTime: at(seconds),
  lastTransitionTime: at(0),
})
const counts = (replicas: number, updatedReplicas: number, availableReplicas: number) => ({
  observedGeneration: 1,
  replicas,
  updatedReplicas,
  readyReplicas: availableReplicas,
  availableReplicas,
  unavailableReplicas: replicas - availableReplicas,
})

interface Given {
  readonly before?: Condition
  readonly status?: Deployment['status']
  readonly counts: ProgressQuestion['counts']
  readonly news?: ProgressQuestion['news']
  readonly seconds?: number
  readonly spec?: Partial<Deployment['spec']>
}

function decide({ before, status, counts, news, seconds = 10, spec }: Given) {
  const conditions = before ? { conditions: [before] as never } : {}
  const deployment = aDeployment({ spec: spec ?? {}, status: { ...status, ...conditions } })
  return decideProgress({ deployment, counts, setName: 'web-a', news, nowMs: startMs + seconds * 1000 })
}

describe('a rollout', () => {
  it.each<[string, Given, string]>([
    ['that begins', { counts: counts(0, 0, 0), news: { reason: 'created', message: '' } }, 'True NewReplicaSetCreated'],
    ['that goes back', { counts: counts(3, 0, 3), news: { reason: 'found', message: '' } }, 'True FoundNewReplicaSet'],
    ['that has more new tasks', { status: { updatedReplicas: 0, replicas: 3 }, counts: counts(4, 1, 3) }, 'True ReplicaSetUpdated'],
    [
      'that has fewer old ones',
      { status: { updatedReplicas: 1, replicas: 4, readyReplicas: 4, availableReplicas: 4 }, counts: counts(3, 1, 3) },
      'True ReplicaSetUpdated',
    ],
    [
      'that has more available',
      { status: { updatedReplicas: 1, replicas: 4, availableReplicas: 3 }, counts: counts(4, 1, 4) },
      'True ReplicaSetUpdated',
    ],
    ['that is at its end', { before: progressing('ReplicaSetUpdated'), counts: counts(3, 3, 3) }, 'True NewReplicaSetAvailable'],
    [
      'that was at its end and lost a task',
      { before: progressing('NewReplicaSetAvailable'), counts: counts(3, 3, 2), seconds: 10_000 },
      'True NewReplicaSetAvailable',
    ],
    [
      'that stands still for a while',
      {
        before: progressing('ReplicaSetUpdated'),
        status: { replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 },
        counts: counts(4, 1, 3),
        seconds: 599,
      },
      'True ReplicaSetUpdated',
    ],
    [
      'that stands still for too long',
      {
        before: progressing('ReplicaSetUpdated'),
        status: { replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 },
        counts: counts(4, 1, 3),
        seconds: 600,
      },
      'False ProgressDeadlineExceeded',
    ],
    [
      'that goes on after it was given up',
      { before: progressing('ProgressDeadlineExceeded', 0, 'False'), status: { replicas: 4, updatedReplicas: 1 }, counts: counts(4, 2, 3) },
      'True ReplicaSetUpdated',
    ],
    [
      'that is paused',
      { before: progressing('ReplicaSetUpdated'), counts: counts(4, 1, 3), news: { reason: 'paused', message: '' } },
      'Unknown DeploymentPaused',
    ],
    [
      'that stays paused',
      { before: progressing('DeploymentPaused', 0, 'Unknown'), counts: counts(4, 1, 4), spec: { paused: true }, seconds: 9_000 },
      'Unknown DeploymentPaused',
    ],
    [
      'that goes on',
      { before: progressing('DeploymentPaused', 0, 'Unknown'), counts: counts(4, 1, 3), news: { reason: 'resumed', message: '' } },
      'Unknown DeploymentResumed',
    ],
    ['whose set is refused', { counts: counts(0, 0, 0), news: { reason: 'failedCreate', message: '' } }, 'False ReplicaSetCreateError'],
    ['without a deadline', { counts: counts(4, 1, 3), spec: { progressDeadlineSeconds: 2_147_483_647 } }, 'none'],
  ])('%s', (_what, given, expected) => {
    const condition = decide(given)
    expect(condition ? `${condition.status} ${condition.reason}` : 'none').toBe(expected)
  })

  it('moves lastUpdateTime with everything that moves, and lastTransitionTime with the status alone', () => {
    const given = { before: progressing('ReplicaSetUpdated'), status: { updatedReplicas: 0, replicas: 3 }, counts: counts(4, 1, 3) }
    expect(decide(given)).toMatchObject({ lastUpdateTime: at(10), lastTransitionTime: at(0) })
    const over = {
      before: progressing('ReplicaSetUpdated'),
      status: { replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 },
      counts: counts(4, 1, 3),
      seconds: 700,
    }
    expect(decide(over)).toMatchObject({ lastUpdateTime: at(700), lastTransitionTime: at(700) })
  })

  it.each<[string, Condition | undefined, Partial<Deployment['spec']>, number | undefined]>([
    ['moves', progressing('ReplicaSetUpdated', 5), {}, 595_000],
    ['has ended', progressing('NewReplicaSetAvailable'), {}, undefined],
    ['was given up', progressing('ProgressDeadlineExceeded'), {}, undefined],
    ['is paused', progressing('DeploymentPaused'), { paused: true }, undefined],
    ['has not begun', undefined, {}, undefined],
  ])('is looked at again at its deadline while it %s', (_what, before, spec, expected) => {
    const deployment = aDeployment({ spec, status: before ? { conditions: [before] as never } : {} })
    expect(deadlineMs(deployment, startMs + 10_000)).toBe(expected)
  })
})
