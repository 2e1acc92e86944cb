/** Random rules against the slowest evaluator there is: one that reads the definition aloud. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccessRequest } from '../authorizer.js'
import type { PolicyRule } from './policy.js'
import { RuleIndex } from './rule-index.js'
import { coverage } from './rules-cover.js'

const verbs = ['get', 'list', 'delete']
const groups = ['', 'g']
const resources = ['a', 'b']
const subresources = ['', 's', 't']
const names = ['', 'n', 'm']
const paths = ['/x', '/x/y', '/z']

const some = (values: readonly string[]) => fc.subarray([...values], { minLength: 1 })
const patterns = ['*', 'a', 'b', 'a/s', 'a/t', 'b/s', '*/s']
const resourceRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some(['*', ...verbs]),
  apiGroups: some(['*', ...groups]),
  resources: some(patterns),
  resourceNames: fc.subarray(['n', 'm']),
})
const pathRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some(['*', ...verbs]),
  nonResourceURLs: some(['*', '/x', '/x*', '/x/*', '/z']),
})
const rules = fc.array(fc.oneof({ weight: 4, arbitrary: resourceRule }, pathRule), { maxLength: 5 })

const everyRequest: AccessRequest[] = verbs.flatMap((verb) => {
  const common = { user: { name: 'u', groups: [] }, verb, namespace: '', group: '', resource: '', subresource: '', name: '', path: '' }
  return [
    ...paths.map((path) => ({ ...common, path })),
    ...groups.flatMap((group) =>
      resources.flatMap((resource) =>
        subresources.flatMap((subresource) => names.map((name) => ({ ...common, group, resource, subresource, name }))),
      ),
    ),
  ]
})

/** The definition, word by word. */
function allows(rule: PolicyRule, { verb, group, resource, subresource, name, path }: AccessRequest): boolean {
  if (!rule.verbs.some((candidate) => candidate === '*' || candidate === verb)) return false
  if (resource === '')
    return (rule.nonResourceURLs ?? []).some((url) => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))))
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  return (
    (rule.apiGroups ?? []).some((candidate) => candidate === '*' || candidate === group) &&
    (rule.resources ?? []).some(
      (candidate) => candidate === '*' || candidate === full || (subresource !== '' && candidate === `*/${subresource}`),
    ) &&
    ((rule.resourceNames ?? []).length === 0 || (rule.resourceNames ?? []).includes(name))
  )
}

describe('random rules', () => {
  it('allow exactly what their definition allows', () => {
    fc.assert(
      fc.property(rules, (list) => {
        const index = new RuleIndex(list)
        const wrong = everyRequest.filter((request) => index.allows(request) !== list.some((rule) => allows(rule, request)))
        expect(wrong).toEqual([])
      }),
    )
  })

  it('are covered only by rules that allow all that they allow', () => {
    let covered = 0
    fc.assert(
      fc.property(rules, rules, (held, wanted) => {
        if (coverage(held, wanted).missing.length > 0) return
        covered++
        const stolen = everyRequest.filter(
          (request) => wanted.some((rule) => allows(rule, request)) && !held.some((rule) => allows(rule, request)),
        )
        expect(stolen).toEqual([])
      }),
      { numRuns: 1000 },
    )
    expect(covered).toBeGreaterThan(20)
  })

  it('cover themselves, however they are split', () => {
    fc.assert(
      fc.property(rules, (list) => {
        const split = list.flatMap((rule) => rule.verbs.map((verb) => ({ ...rule, verbs: [verb] })))
        expect(coverage(split, list).missing).toEqual([])
      }),
    )
  })

  it('are compared for a bounded time, whoever holds and wants very many', () => {
    const named = (resource: string) => (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        verbs: ['get'],
        apiGroups: [''],
        resources: [resource],
        resourceNames: [`n${index}`],
      }))
    const all: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['b'] }
    expect(coverage([...named('a')(100), all], named('b')(1000))).toEqual({ missing: [], tooMany: false })
    let compared = 0
    const watched = named('b')(8000).map((rule) => ({
      ...rule,
      get resources() {
        compared++
        return rule.resources
      },
    }))
    expect(coverage([...named('a')(8000), all], watched)).toMatchObject({ tooMany: true })
    expect(compared).toBeLessThan(1_000_000)
    const wide: PolicyRule = { ...all, resourceNames: Array.from({ length: 20_000 }, (_, index) => `n${index}`) }
    expect(
      coverage(
        Array.from({ length: 200 }, () => ({ ...wide, resources: ['a'] })),
        [wide],
      ),
    ).toMatchObject({ tooMany: true })
  })
})
