import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../fixtures/open-registry.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

const addNode = async (name: string, spec: object = {}) =>
  readObject((await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name }, spec }), fixture.admin)).object)
const patch = async (name: string, spec: object) =>
  readObject((await fixture.registry.patch(targetOf('Node', name), merge, bodyOf({ spec }), fixture.admin)).object)

describe('the range of a Node', () => {
  it('stands in both fields, whichever was written', async () => {
    const both = { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }
    expect((await addNode('a', { podCIDR: '10.0.0.0/24' })).spec).toEqual(both)
    expect((await addNode('b', { podCIDRs: ['10.0.1.0/24'] })).spec).toEqual({ podCIDR: '10.0.1.0/24', podCIDRs: ['10.0.1.0/24'] })
    expect((await patch('a', { podCIDR: '10.9.0.0/24' })).spec).toEqual({ podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24'] })
    expect((await patch('a', { podCIDR: null })).spec).toEqual({})
  })

  it.each([
    [{ podCIDR: '10.0.0.1/24' }, 'spec.podCIDR: Invalid value: "10.0.0.1/24": must be a range of IPv4 addresses'],
    [{ podCIDR: 'fd00::/64' }, 'must be a range of IPv4 addresses'],
    [{ podCIDR: '10.0.0.0/31' }, 'must have a prefix length from 8 to 30'],
    [{ podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] }, 'must name spec.podCIDR alone'],
    [{ podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] }, 'must name spec.podCIDR alone'],
  ])('%j is refused: %s', async (spec, message) => {
    await expect(addNode('x', spec)).rejects.toMatchObject({ code: 422, message: expect.stringContaining(message) })
  })

  it('is never that of two, whoever writes at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
    for (const name of names) await addNode(name)
    const written = await Promise.allSettled(names.map((name, index) => patch(name, { podCIDR: `10.0.${index % 4}.0/24` })))
    expect(written.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    await expect(addNode('wide', { podCIDR: '10.0.0.0/16' })).rejects.toMatchObject({
      code: 409,
      message: expect.stringMatching(/spec.podCIDR 10.0.0.0\/16 overlaps with 10.0.\d.0\/24 of node "n\d+"/),
    })
    await addNode('beside', { podCIDR: '10.1.0.0/16' })
  })

  it('stays while addresses of it are claimed', async () => {
    await addNode('a', { podCIDR: '10.0.0.0/24' })
    for (const name of ['c', 'd', 'e', 'f'])
      await fixture.registry.create(kindOf('IPClaim'), 'default', bodyOf({ metadata: { name }, spec: { nodeName: 'a' } }), fixture.admin)
    await expect(patch('a', { podCIDR: '10.9.0.0/24' })).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('by IPClaims default/c, default/d, default/e and 1 others'),
    })
    expect((await patch('a', { unschedulable: true })).spec.podCIDR).toBe('10.0.0.0/24')
    for (const name of ['c', 'd', 'e', 'f'])
      await fixture.registry.delete({ kind: kindOf('IPClaim'), namespace: 'default', name }, {}, fixture.admin)
    await patch('a', { podCIDR: '10.9.0.0/24' })
  })
})
