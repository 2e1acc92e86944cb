import { describe, expect, it } from 'vitest'
import { disruptionOf } from '../../lib/api/disruption.js'
import { aTask, type TaskParts } from '../fixtures/builders.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { askAtMs } from './decide-deadline.js'

const started: TaskParts = { spec: { activeDeadlineSeconds: 60, nodeName: 'n1' }, status: { startedAt: '2026-01-01T00:00:00Z' } }
const reminder = Date.parse('2026-01-01T00:00:00Z') + (60 + 30 + 15) * 1000

describe('an agent is reminded of a deadline', () => {
  it.each<[string, TaskParts, number | undefined]>([
    ['after the deadline, the grace period and some slack', started, reminder],
    ['never of a task without one', { ...started, spec: { nodeName: 'n1' } }, undefined],
    ['never of a task that has not started', { ...started, status: {} }, undefined],
    ['never of a task that is not bound', { ...started, spec: { activeDeadlineSeconds: 60 } }, undefined],
    [
      'never of a task that has ended',
      { ...started, status: { ...started.status, conditions: [{ type: 'Complete', status: 'True' }] } },
      undefined,
    ],
    [
      'once',
      { ...started, status: { ...started.status, conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeadlineExceeded' }] } },
      undefined,
    ],
    ['never of a task that is being deleted', { ...started, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, undefined],
  ])('%s', (_name, parts, expected) => {
    expect(askAtMs(aTask(parts))).toBe(expected)
  })

  it('by a condition', async () => {
    await using cluster = await controlledCluster({ only: ['task-deadline'] })
    await cluster.addTask('a', { nodeName: 'n1', activeDeadlineSeconds: 60, terminationGracePeriodSeconds: 5 })
    await cluster.setStatus('a', { startedAt: '2026-01-01T00:00:00Z' })
    const seconds = await cluster.until(async () => expect(disruptionOf(await cluster.task('a'))?.reason).toBe('DeadlineExceeded'))
    expect(seconds).toBeGreaterThan(75)
  })
})
