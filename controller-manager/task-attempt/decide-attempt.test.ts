import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { aTask, type TaskParts } from '../fixtures/builders.js'
import type { NodeFate } from '../node-fate/node-fates.js'
import { decideAttempt } from './decide-attempt.js'

const bound: TaskParts = { spec: { nodeName: 'n1' }, metadata: { finalizers: ['millrace.dev/node-cleanup'] } }
const complete = (reason: string) => ({ conditions: [{ type: 'Complete', status: 'True' as const, reason }] })
const running = (status: 'True' | 'False' | 'Unknown') => ({ conditions: [{ type: 'Running', status }] })
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' }
const merge = (...parts: TaskParts[]): TaskParts => ({
  metadata: Object.assign({}, ...parts.map(({ metadata }) => metadata)),
  spec: Object.assign({}, ...parts.map(({ spec }) => spec)),
  status: Object.assign({}, ...parts.map(({ status }) => status)),
})
const keep = (...parts: TaskParts[]) => merge(bound, { spec: { onNodeLost: 'Keep' } }, ...parts)
const again = (...parts: TaskParts[]) => merge(bound, { spec: { onNodeLost: 'Reschedule' } }, ...parts)

describe('an attempt', () => {
  it.each<[string, TaskParts, NodeFate, string]>([
    ['that is not bound is left alone', { spec: { onNodeLost: 'Reschedule' } }, 'lost', 'none'],
    ['on a node that is well is left alone', again({ status: running('True') }), 'well', 'none'],
    ['on a silent node is unknown', keep({ status: running('True') }), 'silent', 'markUnknown'],
    ['that never started, on a silent node, is unknown', again(), 'silent', 'markUnknown'],
    ['that is unknown already is left alone', again({ status: running('Unknown') }), 'silent', 'none'],
    ['that ended before its node fell silent is left alone', keep({ status: complete('ExitCode') }), 'silent', 'none'],
    ['that is kept ends when its node is lost', keep({ status: running('Unknown') }), 'lost', 'markLost'],
    ['that is kept and ended as lost is released', keep({ status: complete('NodeLost') }), 'lost', 'releaseFinalizer'],
    [
      'that is kept, ended and is released is left alone',
      keep({ status: complete('NodeLost'), metadata: { finalizers: [] } }),
      'lost',
      'none',
    ],
    ['that may be rescheduled is, when its node is lost', again({ status: running('Unknown') }), 'lost', 'unbind'],
    ['that may be rescheduled is, when its agent ended it', again({ status: complete('Evicted') }), 'well', 'unbind'],
    ['that was evicted and is kept has ended', keep({ status: complete('Evicted') }), 'well', 'none'],
    ['that failed by itself is not repeated', again({ status: complete('ExitCode') }), 'well', 'none'],
    ['that succeeded is not repeated when its node is lost', again({ status: complete('Succeeded') }), 'lost', 'releaseFinalizer'],
    [
      'that is asked to end, but has not, waits for its agent',
      again({
        status: {
          conditions: [
            { type: 'DisruptionTarget', status: 'True', reason: 'Evicted' },
            { type: 'Running', status: 'Unknown' },
          ],
        },
      }),
      'silent',
      'none',
    ],
    ['that is being deleted is released when its node is lost', again({ metadata: deleting }), 'lost', 'releaseFinalizer'],
    ['that is being deleted waits for its agent', again({ metadata: deleting, status: complete('Evicted') }), 'well', 'none'],
  ])('%s', (_name, parts, fate, expected) => {
    expect(decideAttempt(aTask(parts), fate).type).toBe(expected)
  })

  it('is never repeated while it may still run', () => {
    const parts = fc.record({
      onNodeLost: fc.constantFrom('Keep', 'Reschedule' as const),
      reason: fc.option(fc.constantFrom('Evicted', 'NodeLost', 'ExitCode', 'Succeeded'), { nil: undefined }),
      running: fc.constantFrom('True', 'False', 'Unknown' as const),
      deleting: fc.boolean(),
      fate: fc.constantFrom<NodeFate>('well', 'silent', 'lost'),
    })
    fc.assert(
      fc.property(parts, ({ onNodeLost, reason, running: status, deleting: isDeleting, fate }) => {
        const task = aTask(
          merge(bound, {
            spec: { onNodeLost: onNodeLost as Task['spec']['onNodeLost'] },
            metadata: isDeleting ? deleting : {},
            status: { conditions: [...running(status as 'True').conditions, ...(reason ? complete(reason).conditions : [])] },
          }),
        )
        const repeated = decideAttempt(task, fate).type === 'unbind'
        expect(repeated && onNodeLost === 'Keep').toBe(false)
        expect(repeated && fate !== 'lost' && reason !== 'Evicted' && reason !== 'NodeLost').toBe(false)
      }),
    )
  })
})
