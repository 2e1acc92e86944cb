import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { aTask, type TaskParts } from '../fixtures/builders.js'
import { aReplicaSet, readyStatus } from '../fixtures/replicated.js'
import { decideReplicas } from './decide-replicas.js'
import { isActive, isReady } from './task-state.js'

const start = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString()
const ended = (reason: string, seconds = 0) => ({
  conditions: [{ type: 'Complete', status: 'True' as const, reason, lastTransitionTime: at(seconds) }],
})
const evicted = { conditions: [{ type: 'DisruptionTarget', status: 'True' as const, reason: 'Evicted' }] }
const bound = { nodeName: 'n1' }
const ready = (name: string, parts: TaskParts = {}): Task =>
  aTask({ name, ...parts, spec: { ...bound, ...parts.spec }, status: { ...readyStatus(), ...parts.status } })
const names = (tasks: readonly Task[]) => tasks.map(({ metadata }) => metadata.name)

function plan(replicas: number, tasks: readonly Task[], seconds = 0, minReadySeconds = 0, siblings: readonly Task[] = []) {
  const set = aReplicaSet({ spec: { replicas, minReadySeconds } })
  const { create, remove, discard, againInMs } = decideReplicas({ set, tasks, siblings: () => siblings, nowMs: start + seconds * 1000 })
  return { create, remove: names(remove), discard: names(discard), againInMs }
}

describe('a ReplicaSet', () => {
  it.each<[string, number, Task[], { create?: number; remove?: string[]; discard?: string[] }]>([
    ['creates what is missing', 3, [ready('a')], { create: 2 }],
    ['leaves alone what is as it shall be', 2, [ready('a'), aTask({ name: 'b' })], {}],
    ['deletes what is too much', 1, [ready('a'), ready('b')], { remove: ['a'] }],
    ['replaces a task that is being deleted', 1, [ready('a', { metadata: { deletionTimestamp: at(0) } })], { create: 1 }],
    ['replaces a task that is evicted, and deletes it', 1, [ready('a', { status: evicted })], { create: 1, discard: ['a'] }],
    [
      'replaces a task whose node was lost, and deletes it',
      1,
      [aTask({ name: 'a', status: ended('NodeLost') })],
      { create: 1, discard: ['a'] },
    ],
    ['replaces a task that failed, and leaves it for people to see', 1, [aTask({ name: 'a', status: ended('ExitCode') })], { create: 1 }],
    ['replaces a task that ended well', 1, [aTask({ name: 'a', status: ended('Succeeded') })], { create: 1 }],
    ['counts a task on a silent node', 1, [ready('a', { status: { conditions: [{ type: 'Running', status: 'Unknown' }] } })], {}],
    ['counts a task that waits for its next run', 1, [aTask({ name: 'a', status: { phase: 'Preparing' } })], {}],
    ['deletes failed tasks when it shall have none', 0, [aTask({ name: 'a', status: ended('ExitCode') })], { discard: ['a'] }],
  ])('%s', (_what, replicas, tasks, expected) => {
    expect(plan(replicas, tasks)).toEqual({ create: 0, remove: [], discard: [], againInMs: undefined, ...expected })
  })

  it('does nothing while it is being deleted itself', () => {
    const set = aReplicaSet({ metadata: { deletionTimestamp: at(0) }, spec: { replicas: 3 } })
    expect(decideReplicas({ set, tasks: [], siblings: () => [], nowMs: start })).toMatchObject({ create: 0, remove: [] })
  })

  it('keeps the five newest failures and deletes the others', () => {
    const failures = [1, 2, 3, 4, 5, 6, 7].map((seconds) => aTask({ name: `f${seconds}`, status: ended('ExitCode', seconds) }))
    expect(plan(1, failures, 1_000_000).discard).toEqual(['f2', 'f1'])
  })

  it.each([
    ['one failure is replaced at once', [0], 0, 1, undefined],
    ['of two, each waits ten seconds', [0, 5], 6, 0, 4_000],
    ['and no longer', [0, 5], 15, 1, undefined],
    ['three wait twenty', [0, 5, 15], 16, 0, 4_000],
    ['five wait eighty', [0, 1, 2, 3, 4], 10, 0, 70_000],
    ['what is ten minutes old is forgotten', [0, 1, 2, 3], 700, 1, undefined],
    ['and so is what ends long after now, by a clock that was put back', [9000, 9000, 9000], 0, 1, undefined],
  ])('replaces failures ever later: %s', (_what, ends, nowSeconds, create, againInMs) => {
    const failures = ends.map((seconds, index) => aTask({ name: `f${index}`, status: ended('StartFailed', seconds) }))
    expect(plan(1, failures, nowSeconds)).toMatchObject({ create, againInMs })
  })

  it('holds back every replacement of a template that cannot run, however many tasks there shall be', () => {
    const failures = Array.from({ length: 1000 }, (_, index) => aTask({ name: `f${index}`, status: ended('StartFailed', 0) }))
    expect(plan(1000, failures, 1)).toMatchObject({ create: 0, discard: [], againInMs: 79_000 })
    const later = plan(1000, failures, 80)
    expect([later.create, later.discard.length]).toEqual([1000, 995])
  })

  it.each<[string, Task, Task]>([
    ['one that is bound to no node', aTask({ name: 'z' }), aTask({ name: 'a', spec: bound })],
    [
      'one that does not run',
      aTask({ name: 'z', spec: bound, status: { phase: 'Preparing' } }),
      aTask({ name: 'a', spec: bound, status: { phase: 'Unknown' } }),
    ],
    [
      'one on a silent node',
      aTask({ name: 'z', spec: bound, status: { phase: 'Unknown' } }),
      aTask({ name: 'a', spec: bound, status: { phase: 'Running' } }),
    ],
    ['one that is not ready', aTask({ name: 'z', spec: bound, status: { phase: 'Running' } }), ready('a', { metadata: cost('-5') })],
    ['one that is not available yet, whatever it costs', ready('z', { status: readyStatus(at(95)), metadata: cost('9') }), ready('a')],
    ['one of lower deletion cost', ready('z', { metadata: cost('-1') }), ready('a')],
    [
      'one beside another of the owner on its node',
      ready('z', { spec: { nodeName: 'crowded' } }),
      ready('a', { spec: { nodeName: 'n2' } }),
    ],
    ['one that is ready for a shorter time', ready('z', { status: readyStatus(at(50)) }), ready('a', { status: readyStatus(at(40)) })],
    ['one that was restarted more often', ready('z', { status: { restarts: 2 } }), ready('a', { status: { restarts: 1 } })],
    ['the younger one', ready('z', { metadata: { creationTimestamp: at(9) } }), ready('a', { metadata: { creationTimestamp: at(8) } })],
    ['of two that are equal, always the same', ready('y'), ready('z')],
  ])('deletes first %s', (_what, first, other) => {
    const siblings = [ready('s', { spec: { nodeName: 'crowded' } })]
    expect(plan(1, [other, first], 100, 10, siblings).remove).toEqual(names([first]))
    expect(plan(1, [first, other], 100, 10, siblings).remove).toEqual(names([first]))
  })

  it('takes a deletion cost that is no number for none', () => {
    expect(plan(1, [ready('a', { metadata: cost('much') }), ready('b')]).remove).toEqual(['a'])
  })
})

function cost(text: string) {
  return { annotations: { 'controller.kubernetes.io/pod-deletion-cost': text } }
}

describe('whatever the tasks are', () => {
  const anyTask = fc.record({
    nodeName: fc.option(fc.constantFrom('n1', 'n2'), { nil: undefined }),
    isReady: fc.boolean(),
    deleting: fc.boolean(),
    end: fc.option(fc.constantFrom('ExitCode', 'Evicted', 'NodeLost', 'Succeeded'), { nil: undefined }),
    disrupted: fc.boolean(),
    endedAt: fc.nat(1200),
  })
  const tasks = fc.array(anyTask, { maxLength: 12 }).map((all) =>
    all.map(({ nodeName, isReady, deleting, end, disrupted, endedAt }, index) =>
      aTask({
        name: `t${index}`,
        spec: nodeName ? { nodeName } : {},
        metadata: deleting ? { deletionTimestamp: at(0) } : {},
        status: {
          phase: isReady ? 'Running' : 'Pending',
          conditions: [
            ...(isReady ? readyStatus().conditions : []),
            ...(end ? ended(end, endedAt).conditions : []),
            ...(disrupted ? evicted.conditions : []),
          ],
        },
      }),
    ),
  )

  it('there are never more than asked for, nothing that counts is deleted without need, and a ready task goes last', () => {
    fc.assert(
      fc.property(tasks, fc.nat(8), fc.nat(2000), (all, replicas, seconds) => {
        const nowMs = start + seconds * 1000
        const set = aReplicaSet({ spec: { replicas } })
        const { create, remove, discard } = decideReplicas({ set, tasks: all, siblings: () => [], nowMs })
        const active = all.filter(isActive)
        expect(active.length + create).toBeLessThanOrEqual(Math.max(replicas, active.length))
        expect(active.length - remove.length).toBeGreaterThanOrEqual(Math.min(replicas, active.length))
        expect(active.length - remove.length).toBeLessThanOrEqual(replicas)
        expect(discard.filter(isActive)).toEqual([])
        expect(remove.every(isActive)).toBe(true)
        const kept = active.filter((task) => !remove.includes(task))
        if (remove.some(isReady)) expect(kept.every(isReady)).toBe(true)
      }),
    )
  })
})
