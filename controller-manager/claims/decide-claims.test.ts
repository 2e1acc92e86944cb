import { describe, expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { aTask } from '../fixtures/builders.js'
import { aReplicaSet } from '../fixtures/replicated.js'
import { decideClaims } from './decide-claims.js'

const owner = aReplicaSet()
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' }
const ownedBy = (uid: string, controller = true) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-a', uid, controller }],
})
const own = ownedBy(owner.metadata.uid)
const [matching, other] = [{ labels: { app: 'web', more: 'x' } }, { labels: { app: 'db' } }]

describe('a task', () => {
  it.each<[string, Task, string]>([
    ['that is its own stays so', aTask({ metadata: { ...own, ...matching } }), 'own'],
    ['that matches no longer is released', aTask({ metadata: { ...own, ...other } }), 'release'],
    ['that matches and is nobody’s is adopted', aTask({ metadata: matching }), 'adopt'],
    ['that has an owner, but no controller, is adopted', aTask({ metadata: { ...ownedBy('x', false), ...matching } }), 'adopt'],
    ['that does not match is left alone', aTask({ metadata: other }), 'none'],
    ['of another owner is left alone', aTask({ metadata: { ...ownedBy('x'), ...matching } }), 'none'],
    ['of an earlier owner of the same name is left alone', aTask({ metadata: { ...ownedBy('earlier'), ...matching } }), 'none'],
    ['in another namespace is left alone', aTask({ namespace: 'else', metadata: { ...own, ...matching } }), 'none'],
    ['that is being deleted is not adopted', aTask({ metadata: { ...matching, ...deleting } }), 'none'],
    ['that is being deleted stays its own', aTask({ metadata: { ...own, ...matching, ...deleting } }), 'own'],
  ])('%s', (_what, task, expected) => {
    const claims = decideClaims(owner, [task])
    const found = (['own', 'adopt', 'release'] as const).filter((claim) => claims[claim].length > 0)
    expect(found.join() || 'none').toBe(expected)
  })

  it('is neither adopted nor released by an owner that is being deleted', () => {
    const going = aReplicaSet({ metadata: deleting })
    const tasks = [aTask({ name: 'a', metadata: { ...own, ...other } }), aTask({ name: 'b', metadata: matching })]
    expect(decideClaims(going, tasks)).toEqual({ own: [tasks[0]], adopt: [], release: [] })
  })
})
