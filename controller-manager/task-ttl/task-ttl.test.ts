import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { aTask, type TaskParts } from '../fixtures/builders.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { deleteAtMs } from './decide-ttl.js'

const ended = (reason: string, finishedAt?: string) => ({
  ...(finishedAt ? { finishedAt } : {}),
  conditions: [{ type: 'Complete', status: 'True' as const, reason, lastTransitionTime: '2026-01-01T00:01:00Z' }],
})
const at = (time: string) => Date.parse(`2026-01-01T${time}Z`)

describe('the time to live of a task', () => {
  it.each<[string, TaskParts, number | undefined]>([
    ['is unlimited when it says nothing', { status: ended('Succeeded') }, undefined],
    ['begins only with its end', { spec: { ttlSecondsAfterFinished: 60 }, status: { phase: 'Running' } }, undefined],
    ['counts from its end', { spec: { ttlSecondsAfterFinished: 60 }, status: ended('Succeeded', '2026-01-01T00:00:30Z') }, at('00:01:30')],
    [
      'counts from the condition when no time was reported',
      { spec: { ttlSecondsAfterFinished: 60 }, status: ended('Refused') },
      at('00:02:00'),
    ],
    ['may be nothing', { spec: { ttlSecondsAfterFinished: 0 }, status: ended('ExitCode') }, at('00:01:00')],
    [
      'does not count for an end that another attempt follows',
      { spec: { ttlSecondsAfterFinished: 0, onNodeLost: 'Reschedule' }, status: ended('Evicted') },
      undefined,
    ],
    [
      'counts for an eviction that is kept',
      { spec: { ttlSecondsAfterFinished: 0, onNodeLost: 'Keep' }, status: ended('Evicted') },
      at('00:01:00'),
    ],
    [
      'is over for what is being deleted',
      { spec: { ttlSecondsAfterFinished: 0 }, status: ended('ExitCode'), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
      undefined,
    ],
  ])('%s', (_name, parts, expected) => {
    expect(deleteAtMs(aTask(parts))).toBe(expected)
  })

  it('ends with its deletion', async () => {
    await using cluster = await controlledCluster({ only: ['task-ttl'] })
    await cluster.addTask('short', { ttlSecondsAfterFinished: 60 })
    await cluster.addTask('long', { ttlSecondsAfterFinished: 3_600 })
    for (const name of ['short', 'long'])
      await cluster.setStatus(name, { phase: 'Succeeded', ...ended('Succeeded', '2026-01-01T00:00:00Z') })
    await cluster.pass(40)
    await cluster.task('short')
    const seconds = await cluster.until(() => cluster.task('short').then(() => false, isNotFound))
    expect(seconds).toBeLessThan(25)
    await cluster.task('long')
  })
})
