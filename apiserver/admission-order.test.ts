import { beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../lib/api/kinds/index.js'
import { admissionOf } from './admission-order.js'
import { createAccess } from './auth/access.js'
import { createRegistry } from './registry/create-registry.js'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, targetOf } from './registry/fixtures/open-registry.js'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  const { store, clock } = fixture
  fixture = {
    ...fixture,
    registry: createRegistry({ store, clock, kinds: builtinKinds, admission: admissionOf(store, builtinKinds, createAccess(store)) }),
  }
  await fixture.registry.patch(
    targetOf('Namespace', 'kube-system'),
    'application/merge-patch+json',
    bodyOf({ metadata: { labels: { 'millrace.dev/security': 'privileged' } } }),
    fixture.admin,
  )
  for (const [name, isolation] of [
    ['bare', 'none'],
    ['walled', 'user'],
    ['silent', undefined],
  ] as const) {
    await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name } }), fixture.admin)
    if (!isolation) continue
    const status = { backends: [{ name: 'process', available: true, isolation }] }
    await fixture.registry.patch(targetOf('Node', name, 'status'), 'application/merge-patch+json', bodyOf({ status }), fixture.admin)
  }
})

const create = (namespace: string, spec: object) =>
  fixture.registry.create(kindOf('Task'), namespace, bodyOf({ metadata: { generateName: 'a-' }, spec }), fixture.admin)
const container = { image: 'x', command: ['true'] }
const hostPath = { ...container, volumes: [{ name: 'v', hostPath: { path: '/etc' } }] }

describe('the security level of a namespace', () => {
  it.each([
    ['privileged', { ...container, privileged: true }, 'spec.privileged'],
    ['hostPath', hostPath, 'spec.volumes[0].hostPath'],
    ['a process born on a node that isolates nothing', { command: ['true'], nodeName: 'bare' }, 'spec.backend'],
    ['a process born on a node that has said nothing', { command: ['true'], nodeName: 'silent' }, 'spec.backend'],
    ['a process born on a node that nobody knows', { command: ['true'], nodeName: 'unknown' }, 'spec.backend'],
  ])('refuses %s unless it is privileged', async (_what, spec, field) => {
    await expect(create('default', spec)).rejects.toMatchObject({ code: 403, details: { causes: [{ field }] } })
    await expect(create('kube-system', spec)).resolves.toMatchObject({ created: true })
  })

  it('admits a Tunnel on any port of the gateway where it is privileged alone', async () => {
    const tunnel = (namespace: string) => {
      const body = bodyOf({ metadata: { name: 't' }, spec: { target: { kind: 'Task', name: 'web', port: 80 }, listen: { port: 25 } } })
      return fixture.registry.create(kindOf('Tunnel'), namespace, body, fixture.admin)
    }
    await expect(tunnel('default')).rejects.toMatchObject({ code: 422, details: { causes: [{ field: 'spec.listen.port' }] } })
    await expect(tunnel('kube-system')).resolves.toMatchObject({ created: true })
  })

  it('admits containers, and processes that run as a user of their own', async () => {
    await expect(create('default', { ...container, nodeName: 'bare' })).resolves.toMatchObject({ created: true })
    await expect(create('default', { command: ['true'], nodeName: 'walled' })).resolves.toMatchObject({ created: true })
  })

  it('looks at the isolation of the node when it is bound', async () => {
    for (const namespace of ['default', 'kube-system'])
      await fixture.registry.create(kindOf('Task'), namespace, bodyOf({ ...aTask('p'), metadata: { name: 'p', namespace } }), fixture.admin)
    const bind = async (namespace: string, nodeName: string) =>
      (await fixture.registry.bind(kindOf('Task'), [{ namespace, name: 'p', nodeName }], fixture.as('system:scheduler')))[0]?.error
    expect(await bind('default', 'bare')).toMatchObject({ code: 403, message: expect.stringContaining('isolates nothing') })
    expect(await bind('kube-system', 'bare')).toBeUndefined()
    expect(await bind('default', 'walled')).toBeUndefined()
  })
})

describe('a node', () => {
  const node = (name: string) => ({ ...fixture.as(`system:node:${name}`), user: { name: `system:node:${name}`, groups: ['system:nodes'] } })

  it('reports its own status and nothing else of itself', async () => {
    const patch = (subresource: '' | 'status', body: object) =>
      fixture.registry.patch(targetOf('Node', 'walled', subresource), 'application/merge-patch+json', bodyOf(body), node('walled'))
    await expect(patch('status', { status: { cpuFactor: 4 } })).resolves.toBeDefined()
    await expect(patch('', { spec: { unschedulable: true } })).rejects.toMatchObject({ code: 403 })
    await expect(patch('', { metadata: { labels: { 'millrace.dev/role': 'gpu' } } })).rejects.toMatchObject({ code: 403 })
    await expect(fixture.registry.delete(targetOf('Node', 'walled'), {}, node('walled'))).rejects.toMatchObject({ code: 403 })
  })

  it('reaches only what is bound to it, and its finalizer may go', async () => {
    await create('default', { command: ['true'], nodeName: 'walled' })
    const [task] = fixture.store.list({ group: 'millrace.dev', resource: 'tasks' }).objects
    const patch = (name: string, body: object, subresource: '' | 'status' = '') =>
      fixture.registry.patch(targetOf('Task', task?.key.name ?? '', subresource), 'application/merge-patch+json', bodyOf(body), node(name))
    await expect(patch('bare', { status: { phase: 'Running' } }, 'status')).rejects.toMatchObject({ code: 403 })
    await expect(patch('walled', { status: { phase: 'Running' } }, 'status')).resolves.toBeDefined()
    await expect(patch('walled', { spec: { suspend: true } })).rejects.toMatchObject({ code: 403 })
    await expect(patch('walled', { metadata: { finalizers: [] } })).resolves.toBeDefined()
  })
})
