import { expect, it, vi } from 'vitest'
import type { Change, Commit } from '../../storage/store.js'
import { createRbacAuthorizer } from './rbac-authorizer.js'
import { RbacPolicy } from './rbac-policy.js'
import { RuleIndex } from './rule-index.js'
import { rulesOfUser } from './rules-of-user.js'

const user = { name: 'u', groups: ['g'] }
const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['a'] }]

function openPolicy() {
  let follow: (commit: Commit) => void = () => {}
  const store = {
    list: () => ({ objects: [], revision: 0 }),
    onCommit: (listener: typeof follow) => {
      follow = listener
      return () => {}
    },
  }
  const policy = new RbacPolicy(store as unknown as ConstructorParameters<typeof RbacPolicy>[0])
  const put = (resource: string, name: string, object: object) => {
    const bytes = Buffer.from(JSON.stringify({ metadata: { name, namespace: 'n' }, ...object }))
    const change = { type: 'ADDED', object: { key: { group: 'rbac.authorization.k8s.io', resource, namespace: 'n', name }, bytes } }
    follow({ changes: [change as unknown as Change] } as unknown as Commit)
  }
  const bind = (name: string, role: string) =>
    put('rolebindings', name, { kind: 'RoleBinding', roleRef: { kind: 'Role', name: role }, subjects: [{ kind: 'Group', name: 'g' }] })
  return { policy, put, bind }
}

it('a role is made ready once, however many bindings give it and however often one of them changes', () => {
  const { policy, put, bind } = openPolicy()
  const { authorize } = createRbacAuthorizer(policy)
  const ask = () => authorize({ user, verb: 'get', group: '', resource: 'a', subresource: '', namespace: 'n', name: '', path: '' }).allowed
  put('roles', 'r', { kind: 'Role', rules })
  for (let index = 0; index < 100; index++) bind(`b${index}`, 'r')
  const looked = vi.spyOn(RuleIndex.prototype, 'allows')
  const ready = policy.accessOf('Group', 'g')?.inNamespace.get('n')
  expect(ready).toHaveLength(1)
  bind('b7', 'r')
  expect(ask()).toBe(true)
  expect(looked).toHaveBeenCalledTimes(1)
  expect(policy.accessOf('Group', 'g')?.inNamespace.get('n')?.[0]?.rules).toBe(ready?.[0]?.rules)
  expect(rulesOfUser(policy, user, 'n')).toEqual(rules)
  looked.mockRestore()
})

it('a role that changes is asked anew', () => {
  const { policy, put, bind } = openPolicy()
  const { authorize } = createRbacAuthorizer(policy)
  const ask = () => authorize({ user, verb: 'get', group: '', resource: 'a', subresource: '', namespace: 'n', name: '', path: '' }).allowed
  bind('b', 'r')
  expect(ask()).toBe(false)
  put('roles', 'r', { kind: 'Role', rules })
  expect(ask()).toBe(true)
  put('roles', 'r', { kind: 'Role', rules: [] })
  expect(ask()).toBe(false)
})
