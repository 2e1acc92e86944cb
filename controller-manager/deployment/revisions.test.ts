import { describe, expect, it } from 'vitest'
import { isSetOf, revisionOf, withTemplateHash } from '../../lib/api/revisions.js'
import { aDeployment, aReplicaSet, aTemplate } from '../fixtures/replicated.js'
import { rolloutOf } from './replica-sets-of.js'
import { decideCleanup, newSetAnnotations } from './revisions.js'
import { templateHash } from './template-hash.js'

const revision = (number: number | string, more: Record<string, string> = {}) => ({
  annotations: { 'deployment.kubernetes.io/revision': String(number), ...more },
})
const past = (name: string, number: number, status = {}) =>
  aReplicaSet({ name, metadata: revision(number), spec: { replicas: 0, template: aTemplate(name) }, status })

describe('the revision of the new set', () => {
  it.each<[string, Parameters<typeof rolloutOf>[1], Record<string, string>]>([
    ['is 1 at first', [], { 'deployment.kubernetes.io/revision': '1' }],
    ['is above all others', [past('a', 1), past('b', 7)], { 'deployment.kubernetes.io/revision': '8' }],
    ['stays', [past('a', 1), aReplicaSet({ metadata: revision(2) })], { 'deployment.kubernetes.io/revision': '2' }],
    [
      'rises when an earlier template comes back, and the earlier ones are noted',
      [aReplicaSet({ metadata: revision(3, { 'deployment.kubernetes.io/revision-history': '1' }) }), past('b', 4)],
      { 'deployment.kubernetes.io/revision': '5', 'deployment.kubernetes.io/revision-history': '1,3' },
    ],
  ])('%s', (_what, sets, expected) => {
    expect(newSetAnnotations(rolloutOf(aDeployment(), sets))).toEqual(expected)
  })

  it('notes the latest of the earlier ones: a Deployment that goes to and fro for ever does not fill its set', () => {
    const history = Array.from({ length: 1000 }, (_, index) => 2 * index + 1).join(',')
    const set = aReplicaSet({ metadata: revision(2001, { 'deployment.kubernetes.io/revision-history': history }) })
    const { 'deployment.kubernetes.io/revision-history': noted = '' } = newSetAnnotations(rolloutOf(aDeployment(), [set, past('b', 2002)]))
    expect(noted.length).toBeLessThanOrEqual(2000)
    expect(noted).toMatch(/^\d+,(\d+,)*1997,1999,2001$/)
    expect(history).toContain(`,${noted.split(',')[0]},`)
  })

  it('comes with what people noted on the Deployment, and without what is the Deployment’s alone', () => {
    const annotations = {
      'kubernetes.io/change-cause': 'kubectl set image',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'deployment.kubernetes.io/revision': '9',
    }
    expect(newSetAnnotations(rolloutOf(aDeployment({ metadata: { annotations } }), []))).toEqual({
      'kubernetes.io/change-cause': 'kubectl set image',
      'deployment.kubernetes.io/revision': '1',
    })
  })

  it('is none where somebody wrote nonsense', () => {
    expect(['x', '-1', '1e99', ''].map((text) => revisionOf({ metadata: { ...aDeployment().metadata, ...revision(text) } }))).toEqual([
      0, 0, 0, 0,
    ])
  })
})

describe('old sets', () => {
  it.each([
    ['go beyond the limit, the lowest revisions first', [past('b', 2), past('a', 1), past('c', 3)], 1, ['a', 'b']],
    ['stay within it', [past('a', 1), past('b', 2)], 2, []],
    ['stay while they have tasks', [past('a', 1, { replicas: 1 }), past('b', 2)], 0, ['b']],
    ['stay until they have answered', [past('a', 1, { observedGeneration: 0 })], 0, []],
  ])('%s', (_what, sets, revisionHistoryLimit, expected) => {
    const rollout = rolloutOf(aDeployment({ spec: { revisionHistoryLimit } }), [
      ...sets,
      aReplicaSet({ name: 'new', metadata: revision(9) }),
    ])
    expect(decideCleanup(rollout).map(({ metadata }) => metadata.name)).toEqual(expected)
  })

  it('are told from the new one by their template, whatever they are called; of two the older one is the new set', () => {
    const younger = aReplicaSet({ name: 'a', metadata: { creationTimestamp: '2026-01-02T00:00:00Z' } })
    const hashed = aReplicaSet({ name: 'b', spec: { template: withTemplateHash(aTemplate(), 'x') } })
    const other = past('c', 1)
    const { newSet, oldSets } = rolloutOf(aDeployment(), [younger, hashed, other])
    expect([newSet, ...oldSets]).toEqual([hashed, other, younger])
  })
})

it('a template has a name of its own, which a collision changes', () => {
  const names = [templateHash(aTemplate('a'), 0), templateHash(aTemplate('b'), 0), templateHash(aTemplate('a'), 1)]
  expect(new Set(names).size).toBe(3)
  expect(names.every((name) => /^[a-z0-9]{10}$/.test(name))).toBe(true)
  expect(templateHash(aTemplate('a'), 0)).toBe(names[0])
  expect(isSetOf({ spec: aReplicaSet({ spec: { template: withTemplateHash(aTemplate('a'), 'h') } }).spec }, aTemplate('b'))).toBe(false)
})
