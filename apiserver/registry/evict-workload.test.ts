import { beforeEach, describe, expect, it } from 'vitest'
import { isConflict } from '../../lib/api/api-error.js'
import { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from './fixtures/open-registry.js'

const ready = {
  phase: 'Running',
  conditions: ['Running', 'Ready'].map((type) => ({ type, status: 'True', reason: 'Started' })),
}
const counted = (more: object = {}) => ({
  observedGeneration: 1,
  disruptionsAllowed: 3,
  currentHealthy: 50,
  desiredHealthy: 47,
  expectedPods: 50,
  ...more,
})

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

async function runningTask(name: string, labels: Record<string, string> = { app: 'web' }, spec: Record<string, unknown> = {}) {
  await fixture.registry.create(kindOf('Task'), 'default', bodyOf(aTask(name, { nodeName: 'n1', ...spec }, { labels })), fixture.admin)
  await setStatus('Task', name, ready)
}

async function setStatus(kind: string, name: string, status: object) {
  const target = targetOf(kind, name, 'status')
  await fixture.registry.patch(target, 'application/merge-patch+json', bodyOf({ status }), fixture.admin)
}

async function aBudget(name: string, spec: object, status: object = counted()) {
  const body = { metadata: { name }, spec: { minAvailable: 47, ...spec } }
  await fixture.registry.create(kindOf('PodDisruptionBudget'), 'default', bodyOf(body), fixture.admin)
  await setStatus('PodDisruptionBudget', name, status)
}

const evict = (name: string, options: object = {}, context = fixture.admin) =>
  fixture.registry.evict(targetOf('Task', name), options, context)
const read = (kind: string, name: string) => readObject(fixture.registry.get(targetOf(kind, name)))
const outcome = async (promise: Promise<unknown>) => promise.then(() => 'evicted').catch(({ code }) => code)
const web = { selector: { matchLabels: { app: 'web' } } }

describe('an eviction', () => {
  it('takes from the budget in the same commit', async () => {
    await runningTask('a')
    await aBudget('web', web)
    const commits: (readonly (string | number)[])[] = []
    fixture.store.onCommit(({ changes }) => commits.push(changes.map(({ object }) => object.key.resource)))
    await evict('a')
    expect(commits).toEqual([['tasks', 'poddisruptionbudgets']])
    expect(read('PodDisruptionBudget', 'web').status).toMatchObject({
      disruptionsAllowed: 2,
      disruptedPods: { a: expect.any(String) },
    })
    expect(read('PodDisruptionBudget', 'web').metadata.generation).toBe(1)
  })

  it('never takes more than the budget has, however many ask at once', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `t${n}`)
    for (const name of names) await runningTask(name)
    await aBudget('web', web)
    const outcomes = await Promise.all(names.map((name) => outcome(evict(name))))
    expect(outcomes.filter((result) => result === 'evicted')).toHaveLength(3)
    expect(outcomes.filter((result) => result === 429)).toHaveLength(47)
    const { disruptionsAllowed, disruptedPods } = read('PodDisruptionBudget', 'web').status
    expect([disruptionsAllowed, Object.keys(disruptedPods)]).toEqual([0, ['t0', 't1', 't2']])
  })

  it('takes nothing twice for one Task, and nothing in dry run', async () => {
    await runningTask('a')
    await aBudget('web', web)
    await evict('a', {}, fixture.as('admin', { dryRun: true }))
    expect(read('PodDisruptionBudget', 'web').status.disruptionsAllowed).toBe(3)
    await Promise.all([evict('a'), evict('a'), evict('a')])
    expect(read('PodDisruptionBudget', 'web').status.disruptionsAllowed).toBe(2)
  })

  it('that the budget forbids changes nothing', async () => {
    await runningTask('a')
    await aBudget('web', web, counted({ disruptionsAllowed: 0 }))
    const { revision } = fixture.store
    expect(await outcome(evict('a'))).toBe(429)
    expect(await outcome(evict('a', {}, fixture.as('admin', { dryRun: true })))).toBe(429)
    expect(fixture.store.revision).toBe(revision)
  })

  it.each<[string, object, unknown]>([
    ['no selector', {}, 'evicted'],
    ['an empty selector', { selector: {} }, 429],
    ['a selector of others', { selector: { matchLabels: { app: 'db' } } }, 'evicted'],
    ['an expression that holds', { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'db'] }] } }, 429],
  ])('of a Task is judged by a budget with %s', async (_name, spec, expected) => {
    await runningTask('a')
    await aBudget('web', spec, counted({ disruptionsAllowed: 0 }))
    expect(await outcome(evict('a'))).toBe(expected)
  })

  it('is not judged by budgets of other namespaces, or before it runs', async () => {
    await runningTask('a')
    const other = { metadata: { name: 'all' }, spec: { minAvailable: 1, selector: {} } }
    await fixture.registry.create(PodDisruptionBudget as never, 'kube-system', bodyOf(other), fixture.admin)
    expect(await outcome(evict('a'))).toBe('evicted')
    await aBudget('web', web, counted({ disruptionsAllowed: 0 }))
    await fixture.registry.create(kindOf('Task'), 'default', bodyOf(aTask('b', {}, { labels: { app: 'web' } })), fixture.admin)
    expect(await outcome(evict('b'))).toBe('evicted')
  })

  it('waits for a budget that was never counted', async () => {
    await runningTask('a')
    await aBudget('web', web, {})
    expect(await outcome(evict('a'))).toBe(429)
  })

  it('of another object or another state than was meant is a conflict', async () => {
    await runningTask('a')
    const { uid, resourceVersion } = read('Task', 'a').metadata
    await expect(evict('a', { preconditions: { uid: 'other' } })).rejects.toSatisfy(isConflict)
    await expect(evict('a', { preconditions: { resourceVersion: '1' } })).rejects.toSatisfy(isConflict)
    await evict('a', { preconditions: { uid, resourceVersion } })
  })
})

describe('the grace period of an eviction', () => {
  const grace = (name: string) => read('Task', name).status.evictionGracePeriodSeconds

  it('is noted for the agent, may be shortened, and is never lengthened', async () => {
    await runningTask('a')
    await evict('a', { gracePeriodSeconds: 5 })
    expect(grace('a')).toBe(5)
    await evict('a', { gracePeriodSeconds: 10 })
    await evict('a')
    expect(grace('a')).toBe(5)
    await evict('a', { gracePeriodSeconds: 0 })
    expect(grace('a')).toBe(0)
  })

  it("is the Task's own where none is given, and a second where a negative one is", async () => {
    await runningTask('a')
    await runningTask('b')
    await evict('a')
    await evict('b', { gracePeriodSeconds: -1 })
    expect([grace('a'), grace('b')]).toEqual([undefined, 1])
  })

  it('goes with the attempt', async () => {
    await runningTask('a', {}, { onNodeLost: 'Reschedule' })
    await evict('a', { gracePeriodSeconds: 5 })
    const { metadata, spec } = read('Task', 'a')
    const { nodeName: _node, ...unbound } = spec
    const body = bodyOf({ ...read('Task', 'a'), metadata, spec: unbound })
    await fixture.registry.update(targetOf('Task', 'a'), body, fixture.as('system:controller-manager'))
    expect(read('Task', 'a').status).toMatchObject({ phase: 'Pending', attempt: 1 })
    expect(grace('a')).toBeUndefined()
  })
})
