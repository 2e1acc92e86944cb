import { describe, expect, it } from 'vitest'
import { type LogSource, logSourceOf } from './log-source.js'

type Given = Parameters<typeof logSourceOf>[0]

const task = (nodeName: string | undefined, status: Given['status']): Given => ({
  kind: 'Task',
  metadata: { name: 'hello', uid: 'u1' } as Given['metadata'],
  spec: { nodeName } as Given['spec'],
  status,
})
const bound = (status: Given['status']) => task('n1', status)

describe('where the log of a task is', () => {
  it.each<[string, Given, Omit<LogSource, 'uid'>]>([
    ['running', bound({ phase: 'Running', startedAt: '2026-01-01T00:00:00Z' }), { node: 'n1', attempt: 0 }],
    ['in its third attempt', bound({ phase: 'Running', startedAt: '2026-01-01T00:00:00Z', attempt: 2 }), { node: 'n1', attempt: 2 }],
    ['waiting for its next restart', bound({ phase: 'Preparing', restarts: 1 }), { node: 'n1', attempt: 0 }],
    ['ended', bound({ phase: 'Succeeded', finishedAt: '2026-01-01T00:00:00Z' }), { node: 'n1', attempt: 0 }],
    ['failed before it started', bound({ phase: 'Failed' }), { node: 'n1', attempt: 0 }],
    ['on a silent node', bound({ phase: 'Unknown' }), { node: 'n1', attempt: 0 }],
  ])('%s: at its node', (_case, given, source) => {
    expect(logSourceOf(given)).toEqual({ uid: 'u1', ...source })
  })

  const condition = (type: string, status: 'True' | 'False', message: string) => ({ type, status, message })
  it.each<[string, Given, string]>([
    ['no status', task(undefined, undefined), 'task "hello" is waiting to start: it is not bound to a node'],
    [
      'no node that fits',
      task(undefined, { phase: 'Pending', conditions: [condition('Scheduled', 'False', '0 of 1 nodes fit')] }),
      'task "hello" is waiting to start: it is not bound to a node (0 of 1 nodes fit)',
    ],
    ['bound a moment ago', bound({ phase: 'Assigned' }), 'task "hello" is waiting to start: node "n1" has not started it'],
    [
      'an image that is pulled',
      bound({
        phase: 'Preparing',
        conditions: [condition('Scheduled', 'True', 'bound to n1'), condition('ImageReady', 'False', 'pulling busybox')],
      }),
      'task "hello" is waiting to start: node "n1" has not started it (pulling busybox)',
    ],
  ])('%s: nowhere yet', (_case, given, message) => {
    expect(() => logSourceOf(given)).toThrow(message)
  })
})
