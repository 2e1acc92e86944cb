import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, targetOf } from '../registry/fixtures/open-registry.js'
import { expectRefusals, label, merge } from './fixtures/security-levels.js'
import { admitHostPorts } from './host-port.js'

const ports = { from: 30_000, to: 30_005, reserved: [6443] }
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry({ admission: [admitHostPorts(ports)] })
})

const create = (name: string, hostPort?: number) =>
  fixture.registry.create(
    kindOf('Task'),
    'default',
    bodyOf({
      metadata: { name },
      spec: {
        backend: 'docker',
        image: 'i',
        ports: [{ port: 80 }, { name: 'b', port: 81, ...(hostPort === undefined ? {} : { hostPort }) }],
      },
    }),
    fixture.admin,
  )

describe('the hostPort of a workload', () => {
  it.each([
    [22, 'must be at least 1024', undefined],
    [1023, 'must be at least 1024', undefined],
    [1024, undefined, undefined],
    [6443, 'is reserved for the control plane', 'is reserved for the control plane'],
    [29_999, undefined, undefined],
    [30_000, 'is of the range of Tunnels, 30000 to 30005', undefined],
    [30_005, 'is of the range of Tunnels', undefined],
    [30_006, undefined, undefined],
  ])('%i: baseline says %j, privileged %j', async (hostPort, baseline, privileged) => {
    await expectRefusals(fixture, (level) => create(`t-${level}`, hostPort), { baseline, privileged, field: 'spec.ports[1].hostPort' })
  })

  it('is kept by what has it when the label goes', async () => {
    await label(fixture, 'privileged')
    await create('t', 443)
    await label(fixture, null)
    await fixture.registry.patch(targetOf('Task', 't'), merge, bodyOf({ metadata: { labels: { a: 'b' } } }), fixture.admin)
  })

  const asPorts = (hostPorts: readonly number[]) => hostPorts.map((hostPort, index) => ({ name: `p${index}`, port: 80 + index, hostPort }))
  const vps = (name: string, ...hostPorts: number[]) => {
    const body = bodyOf({ metadata: { name }, spec: { image: 'i', ports: asPorts(hostPorts) } })
    return fixture.registry.create(kindOf('Vps'), 'default', body, fixture.admin)
  }
  const choose = (name: string, ...hostPorts: number[]) =>
    fixture.registry.patch(targetOf('Vps', name), merge, bodyOf({ spec: { ports: asPorts(hostPorts) } }), fixture.admin)

  it('of a Vps is judged when it is born and when it is chosen later; what it has it keeps', async () => {
    await expect(vps('born', 22)).rejects.toMatchObject({ code: 422 })
    await label(fixture, 'privileged')
    await vps('dev', 443)
    await label(fixture, null)
    await choose('dev', 8080, 443)
    for (const port of [22, 30_000, 6443])
      await expect(choose('dev', 443, port)).rejects.toMatchObject({
        code: 422,
        details: { causes: [{ field: 'spec.ports[1].hostPort' }] },
      })
    await choose('dev', 8080)
    await expect(choose('dev', 443)).rejects.toMatchObject({ code: 422 })
  })

  it('is asked of nobody who has none', async () => {
    await create('t')
  })
})
