import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../fixtures/open-registry.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

const target = { kind: 'Task', name: 'web', port: 80 }
const spec = (listen: object = {}, rest: object = {}) => ({ target, listen, ...rest })
const create = async (name: string, fields: object = spec(), dryRun = false) =>
  readObject(
    (
      await fixture.registry.create(
        kindOf('Tunnel'),
        'default',
        bodyOf({ metadata: { name }, spec: fields }),
        fixture.as('admin', { dryRun }),
      )
    ).object,
  )
const patch = async (name: string, fields: object) =>
  readObject((await fixture.registry.patch(targetOf('Tunnel', name), merge, bodyOf({ spec: fields }), fixture.admin)).object)

describe('the port of a Tunnel', () => {
  it('is assigned from the range, and kept when a later manifest names none', async () => {
    const { port } = (await create('a')).spec.listen
    expect(port).toBeGreaterThanOrEqual(30_000)
    expect(port).toBeLessThanOrEqual(32_767)
    expect((await patch('a', { listen: { port: 0 } })).spec.listen.port).toBe(port)
    expect((await patch('a', { listen: null })).spec.listen).toEqual({ address: '0.0.0.0', port })
    expect((await patch('a', { listen: { port: 8080 } })).spec.listen.port).toBe(8080)
  })

  it('is assigned once to each of a thousand that are created at once', async () => {
    const tunnels = await Promise.all(Array.from({ length: 1_000 }, (_, n) => create(`t${n}`)))
    expect(new Set(tunnels.map((tunnel) => tunnel.spec.listen.port)).size).toBe(1_000)
  })

  it('is refused in words when the range is used up, and is there again after a deletion', async () => {
    fixture = await openRegistry({ settings: { tunnelPorts: { from: 31_000, to: 31_002, reserved: [] } } })
    await create('fixed', spec({ port: 31_001 }))
    await Promise.all([create('a'), create('b')])
    await expect(create('c')).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('no tcp port is left for Tunnel "c": all 3 of 31000 to 31002 are held'),
    })
    expect((await create('datagrams', spec({}, { protocol: 'udp' }))).spec.listen.port).toBeGreaterThan(30_999)
    await fixture.registry.delete({ kind: kindOf('Tunnel'), namespace: 'default', name: 'fixed' }, {}, fixture.admin)
    expect((await create('c')).spec.listen.port).toBe(31_001)
  })
})

describe('two Tunnels', () => {
  it.each([
    [{ address: '0.0.0.0' }, { address: '0.0.0.0' }],
    [{ address: '0.0.0.0' }, { address: '127.0.0.1' }],
    [{ address: '127.0.0.1' }, { address: '::' }],
    [{ address: '::' }, { address: '0.0.0.0' }],
    [{ address: '0:0::1' }, { address: '::1' }],
    [{ address: '::ffff:127.0.0.1' }, { address: '127.0.0.1' }],
  ])('on %j and %j do not share a port, and the refusal names the holder', async (first, second) => {
    await create('holder', spec({ port: 8080, ...first }))
    for (const dryRun of [true, false])
      await expect(create('rival', spec({ port: 8080, ...second }), dryRun)).rejects.toMatchObject({
        code: 409,
        message: expect.stringMatching(/tcp port 8080.* is already held by tunnels "default\/holder"/),
      })
    await create('rival', spec({ port: 8081, ...second }))
    await expect(patch('rival', { listen: { port: 8080 } })).rejects.toMatchObject({ code: 409 })
  })

  it('share a port where protocol or address differ', async () => {
    await create('a', spec({ port: 8080, address: '127.0.0.1' }))
    await create('b', spec({ port: 8080, address: '127.0.0.2' }))
    await create('c', spec({ port: 8080 }, { protocol: 'udp' }))
  })
})

describe('a Tunnel is refused with', () => {
  it.each([
    ['an address that is a name', spec({ address: 'localhost' }), 'spec.listen.address: Invalid value: "localhost"'],
    ['a part of an address', spec({ address: '127.1' }), 'spec.listen.address'],
    ['an address of many', spec({ address: '224.0.0.1' }), 'spec.listen.address'],
    ['an address of an interface', spec({ address: 'fe80::1%eth0' }), 'spec.listen.address'],
    [
      'the PROXY protocol over datagrams',
      spec({}, { protocol: 'udp', proxyProtocol: 'v2' }),
      'spec.proxyProtocol: Unsupported value: "v2": a datagram has no connection',
    ],
    ['port 65536', spec({ port: 65_536 }), 'spec.listen.port'],
  ])('%s', async (_case, fields, message) => {
    await expect(create('t', fields)).rejects.toMatchObject({ code: 422, message: expect.stringContaining(message) })
  })

  it('another protocol than it was made with', async () => {
    await create('t')
    await expect(patch('t', { protocol: 'udp' })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.protocol: Forbidden: may not be changed'),
    })
  })
})
