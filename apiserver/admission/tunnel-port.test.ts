import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../registry/fixtures/open-registry.js'
import { expectRefusals, label, merge } from './fixtures/security-levels.js'
import { admitTunnelPort } from './tunnel-port.js'

const ports = { from: 30_000, to: 30_005, reserved: [6443, 30_001, 30_003] }
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry({ admission: [admitTunnelPort(ports)], settings: { tunnelPorts: ports } })
})

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
    const bornAndGone = async (level: string) => {
      const name = `t-${level}`
      await create(port, name)
      await fixture.registry.delete({ kind: kindOf('Tunnel'), namespace: 'default', name }, {}, fixture.admin)
    }
    await expectRefusals(fixture, bornAndGone, { baseline, privileged, field: 'spec.listen.port' })
  })

  it('is judged at each change of it, and at no other write', async () => {
    await label(fixture, 'privileged')
    await create(8080)
    await label(fixture, null)
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
