import { expect, it } from 'vitest'
import { gatherRules } from './aggregation.js'
import type { PolicyRole, PolicyRule } from './policy.js'

it('thousands of rules are gathered, each once and each looked at once for each role that has it', () => {
  let looked = 0
  const rules = Array.from({ length: 9000 }, (_, index): PolicyRule => {
    const resourceNames = [`n${index}`]
    const rule = { verbs: ['get'], apiGroups: [''], resources: ['configmaps'] }
    const get = () => {
      looked++
      return resourceNames
    }
    return Object.defineProperty(rule, 'resourceNames', { enumerable: true, get })
  })
  const role = (name: string): PolicyRole => ({ kind: 'ClusterRole', metadata: { name, labels: { a: 'b' } }, rules })
  const gathering: PolicyRole = { ...role('all'), rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
  expect(gatherRules(gathering, [role('one'), role('two')])).toHaveLength(9000)
  expect(looked).toBe(18_000)
})
