import { beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { createRegistry } from '../registry/create-registry.js'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, targetOf } from '../registry/fixtures/open-registry.js'
import { admitRestoreSource } from './restore-source.js'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
  const { store, clock } = fixture
  fixture = { ...fixture, registry: createRegistry({ store, clock, kinds: builtinKinds, admission: [admitRestoreSource] }) }
  await create('dev', { image: 'debian:12', nodeName: 'n1' })
  await create('machine', { image: 'debian-12', backend: 'qemu', nodeName: 'n1' })
  await fixture.registry.patch(targetOf('Vps', 'dev', 'status'), merge, bodyOf({ status: { phase: 'Running', starts: 1 } }), fixture.admin)
  const snapshot = bodyOf({ metadata: { name: 'copy' }, spec: { vpsName: 'dev' } })
  await fixture.registry.create(kindOf('VpsSnapshot'), 'default', snapshot, fixture.admin)
})

const merge = 'application/merge-patch+json'
const create = (name: string, spec: object) =>
  fixture.registry.create(kindOf('Vps'), 'default', bodyOf({ metadata: { name }, spec }), fixture.admin)
const restore = (vps: string, name: string) =>
  fixture.registry.patch(targetOf('Vps', vps), merge, bodyOf({ spec: { restoreFrom: { name } } }), fixture.admin)
const refusal = {
  code: 422,
  message: expect.stringContaining('is of a Vps with backend docker, not qemu'),
  details: { causes: [{ field: 'spec.restoreFrom.name' }] },
}

describe('what a disk is put back from', () => {
  it('is refused for a machine of another backend, new or old, before it is stopped for it', async () => {
    await expect(restore('machine', 'copy')).rejects.toMatchObject(refusal)
    await expect(create('next', { image: 'debian-12', backend: 'qemu', restoreFrom: { name: 'copy' } })).rejects.toMatchObject(refusal)
  })

  it('is admitted for one of the same, and waited for where it is not there yet', async () => {
    await expect(restore('dev', 'copy')).resolves.toBeDefined()
    await expect(create('dev-2', { image: 'debian:12', restoreFrom: { name: 'copy' } })).resolves.toBeDefined()
    await expect(restore('machine', 'later')).resolves.toBeDefined()
  })

  it('is judged when it changes, and not at every write', async () => {
    await restore('machine', 'later')
    const later = bodyOf({ metadata: { name: 'later' }, spec: { vpsName: 'dev' } })
    await fixture.registry.create(kindOf('VpsSnapshot'), 'default', later, fixture.admin)
    const label = bodyOf({ metadata: { labels: { tier: 'test' } } })
    await expect(fixture.registry.patch(targetOf('Vps', 'machine'), merge, label, fixture.admin)).resolves.toBeDefined()
  })
})
