import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../fixtures/open-registry.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name: 'n1' } }), fixture.admin)
})

const create = async (spec: object) =>
  readObject(
    (
      await fixture.registry.create(
        kindOf('Vps'),
        'default',
        bodyOf({ metadata: { name: 'v' }, spec: { image: 'debian', ...spec } }),
        fixture.admin,
      )
    ).object,
  )
const patch = async (body: object, subresource: '' | 'status' = '', user = 'admin') =>
  readObject((await fixture.registry.patch(targetOf('Vps', 'v', subresource), merge, bodyOf(body), fixture.as(user))).object)
const read = async () => readObject(fixture.registry.get(targetOf('Vps', 'v')))

describe('a Vps', () => {
  it.each([
    ['Pending', { running: true }],
    ['Stopped', { running: false }],
    ['Provisioning', { running: true, nodeName: 'n1' }],
    ['Stopped', { running: false, nodeName: 'n1' }],
  ])('is born %s with %j', async (phase, spec) => {
    expect((await create(spec)).status.phase).toBe(phase)
  })

  it('that is on no node follows what is wanted of it, and forgets why no node took it', async () => {
    await create({ running: true })
    const refusal = { type: 'Scheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime: '2026-01-01T00:00:00Z' }
    await patch({ status: { conditions: [refusal] } }, 'status')
    expect((await patch({ spec: { running: false } })).status).toEqual({
      phase: 'Stopped',
      conditions: [expect.objectContaining({ type: 'Running', status: 'False', reason: 'Stopped' })],
    })
    expect((await patch({ spec: { running: true } })).status).toEqual({ phase: 'Pending' })
  })

  it('is bound once, with the finalizer that its agent removes, and waits for the agent', async () => {
    await create({})
    const bind = () => fixture.registry.bind(kindOf('Vps'), [{ namespace: 'default', name: 'v', nodeName: 'n1' }], fixture.admin)
    expect(await bind()).toEqual([{ namespace: 'default', name: 'v' }])
    expect(await read()).toMatchObject({
      metadata: { finalizers: ['millrace.dev/node-cleanup'] },
      spec: { nodeName: 'n1' },
      status: { phase: 'Provisioning', conditions: [{ type: 'Scheduled', status: 'True', reason: 'Bound' }] },
    })
    expect(await bind()).toMatchObject([{ error: { code: 409 } }])
  })

  it('stays where its disk is: nobody takes it off its node', async () => {
    const { metadata } = await create({ nodeName: 'n1' })
    const unbind = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { nodeName: null } }
    await expect(patch(unbind, '', 'system:controller-manager')).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.nodeName: Forbidden: set by the binding subresource, once and for good'),
    })
  })

  it('on a node says nothing of itself: its agent does', async () => {
    await create({ nodeName: 'n1' })
    await patch({ status: { phase: 'Running' } }, 'status')
    expect((await patch({ spec: { running: false } })).status.phase).toBe('Running')
  })
})
