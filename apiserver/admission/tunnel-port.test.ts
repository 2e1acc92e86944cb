import { beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { createRegistry } from '../registry/create-registry.js'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../registry/fixtures/open-registry.js'
import { admitTunnelPort } from './tunnel-port.js'

const merge = 'application/merge-patch+json'
const ports = { from: 30_000, to: 30_005, reserved: [6443, 30_001, 30_003] }
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  const { store, clock } = fixture
  const admission = [admitTunnelPort(ports)]
  fixture = { ...fixture, registry: createRegistry({ store, clock, kinds: builtinKinds, admission, settings: { tunnelPorts: ports } }) }
})

const label = (level: string | null) =>
  fixture.registry.patch(
    targetOf('Namespace', 'default'),
    merge,
    bodyOf({ metadata: { labels: { 'millrace.dev/security': level } } }),
    fixture.admin,
  )
const create = (port: number, name = 't') =>
  fixture.registry.create(
    kindOf('Tunnel'),
    'default',
    bodyOf({ metadata: { name }, spec: { target: { kind: 'Task', name: 'web', port: 80 }, listen: { port } } }),
    fixture.admin,
  )
const patch = (body: object) => fixture.registry.patch(targetOf('Tunnel', 't'), merge, bodyOf(body), fixture.admin)

const outside = 'must be from 30000 to 30005, or 0 for one of these'
const reserved = 'is reserved for the control plane'

describe('the port of a Tunnel', () => {
  it.each([
    [22, outside, undefined],
    [1024, outside, undefined],
    [29_999, outside, undefined],
    [30_006, outside, undefined],
    [6443, reserved, reserved],
    [30_001, reserved, reserved],
    [30_000, undefined, undefined],
    [30_005, undefined, undefined],
  ])('%i: baseline says %j, privileged %j', async (port, baseline, privileged) => {
    for (const [level, refusal] of [
      [null, baseline],
      ['privileged', privileged],
    ] as const) {
      await label(level)
      const born = create(port, `t-${level ?? 'baseline'}-${port}`)
      const message = expect.stringContaining(refusal ?? '')
      const wanted = { code: 422, message, details: { causes: [{ field: 'spec.listen.port' }] } }
      if (refusal !== undefined) await expect(born).rejects.toMatchObject(wanted)
      else {
        await born
        await fixture.registry.delete(
          { kind: kindOf('Tunnel'), namespace: 'default', name: `t-${level ?? 'baseline'}-${port}` },
          {},
          fixture.admin,
        )
      }
    }
  })

  it('is judged at each change of it, and at no other write', async () => {
    await label('privileged')
    await create(8080)
    await label(null)
    await patch({ metadata: { labels: { tier: 'test' } } })
    await expect(patch({ spec: { listen: { port: 8081 } } })).rejects.toMatchObject({ code: 422 })
    await patch({ spec: { listen: { port: 30_002 } } })
    await expect(patch({ spec: { listen: { port: 8080 } } })).rejects.toMatchObject({ code: 422 })
  })

  it('is never a reserved one when it is assigned', async () => {
    const born = await Promise.all([0, 1, 2, 3].map((n) => create(0, `t${n}`)))
    expect(born.map(({ object }) => readObject(object).spec.listen.port).toSorted()).toEqual([30_000, 30_002, 30_004, 30_005])
    await expect(create(0)).rejects.toMatchObject({ code: 409, message: expect.stringContaining('all 4 of 30000 to 30005 are held') })
  })
})
