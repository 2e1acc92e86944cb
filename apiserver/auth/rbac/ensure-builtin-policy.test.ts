import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject } from '../../registry/fixtures/open-registry.js'
import { builtinBindings, builtinRoles } from './builtin-policy.js'
import { ensureBuiltinPolicy } from './ensure-builtin-policy.js'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  await ensureBuiltinPolicy(fixture.registry, fixture.store)
})

const role = (name: string) => ({ kind: kindOf('ClusterRole'), namespace: '', name })
const patch = (name: string, body: object) =>
  fixture.registry.patch({ ...role(name), subresource: '' }, 'application/merge-patch+json', bodyOf(body), fixture.admin)

describe('the start of a server', () => {
  it('stores every built-in role and binding', () => {
    const count = (resource: string) => fixture.store.count('rbac.authorization.k8s.io', resource)
    expect(count('clusterroles')).toBe(builtinRoles.length)
    expect(count('clusterrolebindings') + count('rolebindings')).toBe(builtinBindings.length)
  })

  it('writes nothing when all is there, gathered rules included', async () => {
    await patch('view', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['events'] }] })
    const { revision } = fixture.store
    await ensureBuiltinPolicy(fixture.registry, fixture.store)
    expect(fixture.store.revision).toBe(revision)
  })

  it('replaces what another version had, and takes away what is built in no more', async () => {
    const before = readObject(fixture.registry.get(role('system:scheduler')))
    await patch('system:scheduler', { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] })
    const former = { metadata: { name: 'system:former', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } }, rules: [] }
    await fixture.registry.create(kindOf('ClusterRole'), '', bodyOf(former), fixture.admin)
    await fixture.registry.create(kindOf('ClusterRole'), '', bodyOf({ metadata: { name: 'mine' }, rules: [] }), fixture.admin)
    await ensureBuiltinPolicy(fixture.registry, fixture.store)
    const after = readObject(fixture.registry.get(role('system:scheduler')))
    expect([after.rules, after.metadata.uid]).toEqual([before.rules, before.metadata.uid])
    expect(() => fixture.registry.get(role('system:former'))).toThrow('not found')
    expect(fixture.registry.get(role('mine'))).toBeDefined()
  })
})
