import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from '../fixtures/open-registry.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

const create = async (kind: string, manifest: object, user = 'admin') => {
  const namespace = kindOf(kind).scope === 'Namespaced' ? 'default' : ''
  return readObject((await fixture.registry.create(kindOf(kind), namespace, bodyOf(manifest), fixture.as(user))).object)
}
const patch = async (kind: string, name: string, body: object, subresource: '' | 'status' | 'approval' = '') =>
  readObject((await fixture.registry.patch(targetOf(kind, name, subresource), merge, bodyOf(body), fixture.admin)).object)

describe('a Secret', () => {
  it('keeps stringData as data, at creation and later', async () => {
    const secret = await create('Secret', { metadata: { name: 's' }, data: { a: 'MQ==' }, stringData: { b: 'zwei' } })
    expect(secret.data).toEqual({ a: 'MQ==', b: Buffer.from('zwei').toString('base64') })
    expect(secret).not.toHaveProperty('stringData')
    expect(secret.type).toBe('Opaque')
    const patched = await patch('Secret', 's', { stringData: { a: 'uno' } })
    expect(patched.data.a).toBe(Buffer.from('uno').toString('base64'))
  })

  it('takes base64 alone, and keeps its type', async () => {
    await expect(create('Secret', { metadata: { name: 's' }, data: { a: 'no base64!' } })).rejects.toMatchObject({
      code: 422,
      message: 'Secret "s" is invalid: data.a: Invalid value: "(hidden)": data.a in body must be of type byte',
    })
    await create('Secret', { metadata: { name: 's' } })
    await expect(patch('Secret', 's', { type: 'other' })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('type: Invalid value'),
    })
  })
})

describe('a CertificateSigningRequest', () => {
  const manifest = {
    metadata: { name: 'c' },
    spec: { request: 'TQ==', signerName: 'kubernetes.io/kube-apiserver-client-kubelet', username: 'somebody', groups: ['system:masters'] },
  }

  it('names who really asks', async () => {
    const request = await create('CertificateSigningRequest', manifest, 'system:node:n1')
    expect(request.spec).toMatchObject({ username: 'system:node:n1', groups: ['system:authenticated'] })
  })

  it('never changes what is asked', async () => {
    const request = await create('CertificateSigningRequest', manifest)
    const patched = await patch('CertificateSigningRequest', 'c', { spec: { signerName: 'another' } })
    expect(patched).toEqual(request)
  })

  it('is approved through its subresource alone, for good, and not also denied', async () => {
    await create('CertificateSigningRequest', manifest)
    const approved = { type: 'Approved', status: 'True', reason: 'Tested' }
    const byStatus = await patch('CertificateSigningRequest', 'c', { status: { certificate: 'TQ==', conditions: [approved] } }, 'status')
    expect(byStatus.status).toEqual({ certificate: 'TQ==' })
    const byApproval = await patch(
      'CertificateSigningRequest',
      'c',
      { status: { certificate: 'Ug==', conditions: [approved] } },
      'approval',
    )
    expect(byApproval.status).toMatchObject({ certificate: 'TQ==', conditions: [{ ...approved, lastTransitionTime: expect.any(String) }] })
    await expect(patch('CertificateSigningRequest', 'c', { status: { conditions: [] } }, 'approval')).rejects.toMatchObject({ code: 422 })
    const denied = { type: 'Denied', status: 'True' }
    await expect(patch('CertificateSigningRequest', 'c', { status: { conditions: [approved, denied] } }, 'approval')).rejects.toMatchObject(
      { code: 422 },
    )
  })

  it('is completed by the preparation before it is stored, but not in a dry run', async () => {
    const signed: string[] = []
    fixture = await openRegistry({
      preparations: {
        'certificates.k8s.io/certificatesigningrequests': async (object) => {
          signed.push(object.metadata.name)
          return { ...object, status: { certificate: 'TQ==' } }
        },
      },
    })
    const dry = fixture.as('admin', { dryRun: true })
    await fixture.registry.create(kindOf('CertificateSigningRequest'), '', bodyOf(manifest), dry)
    expect(signed).toEqual([])
    expect((await create('CertificateSigningRequest', manifest)).status).toEqual({ certificate: 'TQ==' })
    expect(signed).toEqual(['c'])
  })
})

describe('an Event', () => {
  it('lies where its object lies', async () => {
    const event = (namespace?: string) => ({
      metadata: { generateName: 'e-' },
      involvedObject: { kind: 'Task', name: 'a', namespace },
      source: { component: 'x' },
    })
    await expect(create('Event', event('kube-system'))).rejects.toMatchObject({ code: 422 })
    await expect(create('Event', event())).resolves.toBeDefined()
    const { metadata } = await create('Event', event('default'))
    expect(fixture.registry.get(targetOf('Event', metadata.name)).facets.fields).toMatchObject({ source: 'x', 'involvedObject.name': 'a' })
  })
})
