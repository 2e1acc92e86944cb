import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { Task } from '../../lib/api/kinds/task.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { deletionConditions } from './decide-namespace.js'

describe('the conditions of a namespace that goes', () => {
  const show = (...args: Parameters<typeof deletionConditions>) =>
    deletionConditions(...args).map(({ type, status, message }) => `${type} ${status}: ${message}`)

  it('say that nothing is left', () => {
    expect(show([], [{ resource: 'tasks.millrace.dev', count: 0, finalizers: {} }], [], 0)).toEqual([
      'NamespaceDeletionContentFailure False: all content was asked to go',
      'NamespaceContentRemaining False: all content is gone',
      'NamespaceFinalizersRemaining False: no finalizers hold content',
    ])
  })

  it('say what is left, what holds it and what failed', () => {
    const remaining = [
      { resource: 'tasks.millrace.dev', count: 3, finalizers: { 'millrace.dev/node-cleanup': 2 } },
      { resource: 'secrets', count: 1, finalizers: { 'millrace.dev/node-cleanup': 1, other: 1 } },
      { resource: 'configmaps', count: 0, finalizers: {} },
    ]
    expect(show([], remaining, ['events: forbidden'], 0)).toEqual([
      'NamespaceDeletionContentFailure True: events: forbidden',
      'NamespaceContentRemaining True: some resources remain: tasks.millrace.dev has 3, secrets has 1',
      'NamespaceFinalizersRemaining True: some content is held by finalizers: millrace.dev/node-cleanup in 3, other in 1',
    ])
  })
})

describe('a namespace', () => {
  it('goes with everything in it, when what holds its content has let go', async () => {
    await using cluster = await controlledCluster({ only: ['namespace-deletion'] })
    const { admin } = cluster
    await admin.of(Namespace).create({ metadata: { name: 'team' }, spec: {} })
    await admin.of(ConfigMap).create({ metadata: { name: 'a', namespace: 'team' } })
    await admin.of(Secret).create({ metadata: { name: 'a', namespace: 'team' } })
    await admin.of(Task).create({ metadata: { name: 'a', namespace: 'team', finalizers: ['test/hold'] }, spec: { image: 'busybox' } })
    await admin.of(ConfigMap).create({ metadata: { name: 'other' } })
    await admin.of(Namespace).delete({ name: 'team' })
    await cluster.until(async () => {
      const { status } = await admin.of(Namespace).get({ name: 'team' })
      expect(status?.phase).toBe('Terminating')
      expect(status?.conditions?.map(({ type, message }) => `${type}: ${message}`)).toEqual([
        'NamespaceDeletionContentFailure: all content was asked to go',
        'NamespaceContentRemaining: some resources remain: tasks.millrace.dev has 1',
        'NamespaceFinalizersRemaining: some content is held by finalizers: test/hold in 1',
      ])
    })
    expect((await admin.of(Secret).list({ namespace: 'team' })).items).toEqual([])
    await admin.of(Task).mergePatch({ namespace: 'team', name: 'a' }, { metadata: { finalizers: null } })
    await cluster.until(() =>
      admin
        .of(Namespace)
        .get({ name: 'team' })
        .then(() => false, isNotFound),
    )
    expect((await admin.of(ConfigMap).list({ namespace: 'default' })).items).toHaveLength(1)
  })
})
