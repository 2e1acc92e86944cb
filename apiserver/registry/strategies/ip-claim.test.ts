import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { admitAddressClaims } from '../../admission/address-claims.js'
import type { ReadView } from '../../storage/store.js'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../fixtures/open-registry.js'
import { ipClaimStrategy } from './ip-claim.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry({ admission: [admitAddressClaims] })
  await addNode('n1', '10.0.0.0/24')
  await addNode('n2', '10.0.1.0/29')
  await addNode('bare')
})

const as = (name: string) => fixture.as(name, { user: { name, groups: name.startsWith('system:node:') ? ['system:nodes'] : [] } })
const addNode = (name: string, podCIDR?: string) =>
  fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name }, spec: podCIDR ? { podCIDR } : {} }), fixture.admin)
const claim = async (name: string, spec: object = { nodeName: 'n1' }, dryRun = false) => {
  const context = fixture.as('admin', { dryRun })
  return readObject((await fixture.registry.create(kindOf('IPClaim'), 'default', bodyOf({ metadata: { name }, spec }), context)).object)
}
const addressOf = async (name: string, spec?: object) => (await claim(name, spec)).spec.address as string
const patch = async (name: string, spec: object, user = 'admin') =>
  readObject((await fixture.registry.patch(targetOf('IPClaim', name), merge, bodyOf({ spec }), as(user))).object)
const remove = (name: string, user = 'admin') =>
  fixture.registry.delete({ kind: kindOf('IPClaim'), namespace: 'default', name }, {}, as(user))

describe('the address of an IPClaim', () => {
  it('is a free one of its node, never the first two and the last', async () => {
    const given = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => addressOf(name, { nodeName: 'n2' })))
    expect([...given].sort()).toEqual(['10.0.1.2', '10.0.1.3', '10.0.1.4', '10.0.1.5', '10.0.1.6'])
    await expect(claim('f', { nodeName: 'n2' })).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('all 5 addresses of node "n2" are claimed'),
    })
  })

  it('that was given back comes last', async () => {
    const size = 5
    const first = await addressOf('first', { nodeName: 'n2' })
    await remove('first')
    const others: string[] = []
    for (let index = 0; index < size - 1; index++) {
      others.push(await addressOf(`c${index}`, { nodeName: 'n2' }))
      await remove(`c${index}`)
    }
    expect(others).not.toContain(first)
    expect(new Set(others).size).toBe(size - 1)
    expect(await addressOf('last', { nodeName: 'n2' })).toBe(first)
  })

  it('may be named, before anybody needs it; its node then follows', async () => {
    expect((await claim('fixed', { address: '10.0.0.77' })).spec).toEqual({ nodeName: 'n1', address: '10.0.0.77' })
    await expect(claim('other', { address: '10.0.0.77' })).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('10.0.0.77 is already held by ipclaims "default/fixed"'),
    })
    const context = fixture.as('admin', { dryRun: true })
    const body = bodyOf({ metadata: { name: 'other' }, spec: { address: '10.0.0.77' } })
    await expect(fixture.registry.create(kindOf('IPClaim'), 'default', body, context)).rejects.toMatchObject({ code: 409 })
  })

  it.each([
    [{}, 422, 'spec.nodeName: Required value: or name the address'],
    [{ nodeName: 'nobody' }, 422, 'there is no such Node'],
    [{ nodeName: 'bare' }, 409, 'node "bare" has no range of addresses yet'],
    [{ address: '10.9.0.1' }, 422, 'no node has it in its range'],
    [{ nodeName: 'n2', address: '10.0.0.5' }, 422, 'is not in the range of node "n2"'],
    [{ address: '10.0.0.0' }, 422, "is the network's own address"],
    [{ address: '10.0.0.1' }, 422, "is the node's own, the gateway"],
    [{ address: '10.0.0.255' }, 422, 'is the broadcast address'],
    [{ address: '10.0.0.05' }, 422, 'must be an IPv4 address'],
    [{ address: 'fd00::5' }, 422, 'must be an IPv4 address'],
  ])('%j is refused with %i: %s', async (spec, code, message) => {
    await expect(claim('x', spec)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('stays as it was given, whether a manifest names it or not', async () => {
    const address = await addressOf('a')
    await expect(patch('a', { address: '10.0.0.200' })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('stays as it was given'),
    })
    await expect(patch('a', { nodeName: 'n2' })).rejects.toMatchObject({ code: 422 })
    expect((await patch('a', { address: null, nodeName: null })).spec).toEqual({ nodeName: 'n1', address })
  })

  it('is never given twice, whatever is created and deleted at once', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('create' as const), node: fc.constantFrom('n1', 'n2'), count: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ type: fc.constant('fixed' as const), last: fc.integer({ min: 0, max: 8 }) }),
      fc.record({ type: fc.constant('delete' as const), which: fc.nat() }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const live = new Map<string, string>()
        let made = 0
        const make = async (spec: object) => {
          const name = `p${made++}`
          const address = await addressOf(name, spec).catch((error: { code: number }) => {
            if (error.code !== 409 && error.code !== 422) throw error
          })
          if (address !== undefined) live.set(name, address)
        }
        for (const one of steps) {
          if (one.type === 'create') await Promise.all(Array.from({ length: one.count }, () => make({ nodeName: one.node })))
          else if (one.type === 'fixed') await Promise.all([0, 1].map(() => make({ address: `10.0.1.${one.last}` })))
          else {
            const name = [...live.keys()][one.which % Math.max(1, live.size)]
            if (name === undefined) continue
            live.delete(name)
            await Promise.all([remove(name), make({ nodeName: 'n2' })])
          }
          expect(new Set(live.values()).size).toBe(live.size)
        }
        for (const name of live.keys()) await remove(name)
      }),
      { numRuns: 30 },
    )
  })

  it('is found with a look or two, whatever is claimed already', () => {
    const held = new Set<string>()
    let looks = 0
    const view: ReadView = {
      get: ({ resource }) => (resource === 'nodes' ? ({ facets: { fields: { 'spec.podCIDR': '172.30.0.0/16' } } } as never) : undefined),
      scan: () => [],
      ownedBy: () => [],
      holdersOf(_group, resource, claim) {
        looks++
        return held.has(claim) ? [{ group: '', resource, namespace: '', name: 'holder' }] : []
      },
    }
    const strategy = ipClaimStrategy()
    for (let index = 0; index < 5_000; index++) {
      const metadata = { name: `c${index}`, uid: `u${index}`, resourceVersion: '', creationTimestamp: '' }
      const object: KubeObject = { apiVersion: 'millrace.dev/v1', kind: 'IPClaim', metadata, spec: { nodeName: 'n' } }
      strategy.settle?.(object, view, 0)
      const [claimed = ''] = strategy.claims?.(object) ?? []
      expect(held.has(claimed)).toBe(false)
      held.add(claimed)
    }
    expect(looks).toBe(5_000)
  })
})

describe('the holder of an IPClaim', () => {
  const holder = async (name: string, nodeName = 'n1') => {
    const task = aTask(name, { nodeName })
    const { metadata } = readObject((await fixture.registry.create(kindOf('Task'), 'default', bodyOf(task), fixture.admin)).object)
    return { kind: 'Task', name, uid: metadata.uid }
  }
  const node = 'system:node:n1'

  it('is a workload of its node, and one alone while that lasts', async () => {
    await claim('c')
    const [first, second, elsewhere] = [await holder('first'), await holder('second'), await holder('elsewhere', 'n2')]
    await expect(patch('c', { holder: { ...first, uid: 'another' } })).rejects.toMatchObject({ code: 403 })
    await expect(patch('c', { holder: elsewhere })).rejects.toMatchObject({
      code: 403,
      message: expect.stringContaining('no Task "default/elsewhere" of this uid is bound to node n1'),
    })
    await patch('c', { holder: first })
    await expect(patch('c', { holder: second })).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('is held by Task "default/first", which runs with it'),
    })
  })

  it('keeps the address from everybody but the node, until it has ended', async () => {
    await claim('c')
    await patch('c', { holder: await holder('first') })
    await expect(remove('c')).rejects.toMatchObject({ code: 409, message: expect.stringContaining('is held by Task "default/first"') })
    await expect(patch('c', { holder: null })).rejects.toMatchObject({ code: 409 })
    expect((await patch('c', { holder: null }, node)).spec).not.toHaveProperty('holder')
    await patch('c', { holder: await holder('second') })
    await fixture.registry.patch(targetOf('Task', 'second', 'status'), merge, bodyOf({ status: { phase: 'Succeeded' } }), fixture.admin)
    await patch('c', { holder: await holder('third') })
    await expect(remove('c')).rejects.toMatchObject({ code: 409 })
    await remove('c', node)
  })
})
