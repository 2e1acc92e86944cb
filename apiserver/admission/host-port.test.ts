import { beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { createRegistry } from '../registry/create-registry.js'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, targetOf } from '../registry/fixtures/open-registry.js'
import { admitHostPorts } from './host-port.js'

const ports = { from: 30_000, to: 30_005, reserved: [6443] }
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  const { store, clock } = fixture
  fixture = { ...fixture, registry: createRegistry({ store, clock, kinds: builtinKinds, admission: [admitHostPorts(ports)] }) }
})

const merge = 'application/merge-patch+json'
const label = (level: string | null) =>
  fixture.registry.patch(
    targetOf('Namespace', 'default'),
    merge,
    bodyOf({ metadata: { labels: { 'millrace.dev/security': level } } }),
    fixture.admin,
  )
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
    for (const [level, refusal] of [
      [null, baseline],
      ['privileged', privileged],
    ] as const) {
      await label(level)
      const born = create(`t-${level ?? 'baseline'}`, hostPort)
      const wanted = {
        code: 422,
        message: expect.stringContaining(refusal ?? ''),
        details: { causes: [{ field: 'spec.ports[1].hostPort' }] },
      }
      if (refusal !== undefined) await expect(born).rejects.toMatchObject(wanted)
      else await born
    }
  })

  it('is kept by what has it when the label goes', async () => {
    await label('privileged')
    await create('t', 443)
    await label(null)
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
    await label('privileged')
    await vps('dev', 443)
    await label(null)
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
