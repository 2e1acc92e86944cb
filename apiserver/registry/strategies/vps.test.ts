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

describe('the user data of a Vps', () => {
  const config = (text: string) => `#cloud-config\n${text}`

  it.each([
    '#!/bin/sh\n: {{',
    config('packages: [git]\nwrite_files:\n- {path: /a, content: !!binary aGk=}\n'),
    config('# nothing yet\n'),
    config('a: 1\na: 2\n'),
    '## template: jinja\n#cloud-config\n{% if x %}\n',
    '#cloud-config-archive\n- {type: text/plain}\n',
    config(`a: ${'x'.repeat(20_000)}\n  b: [`),
  ])('may be %j', async (userData) => {
    expect((await create({ backend: 'qemu', userData })).spec.userData).toBe(userData)
  })

  it.each([
    [{ backend: 'qemu', userData: 'password: hunter2' }, 'cloud-init cannot tell what it is: it begins with #cloud-config'],
    [{ backend: 'qemu', userData: config('password: [hunter2\n') }, /is no YAML: [A-Z_]+ at line [23]/],
    [{ backend: 'qemu', userData: config('- hunter2\n') }, 'must be a mapping'],
    [{ backend: 'qemu', userData: config('hunter2\n') }, 'must be a mapping'],
    [{ backend: 'qemu', userData: config(`${'['.repeat(5000)}hunter2`) }, 'nests too deep'],
    [{ backend: 'qemu', userData: '#cloud-config-archive\nhunter2: 1\n' }, 'must be a list'],
    [{ backend: 'qemu', userData: config(`password: ${'hunter2'.repeat(20_000)}`) }, 'Too long'],
    [{ backend: 'docker', userData: config('password: hunter2\n') }, 'a container has none'],
  ])('is refused at once, and not repeated (%#)', async (spec, words) => {
    const refusal = create(spec)
    await expect(refusal).rejects.toMatchObject({ code: 422, details: { causes: [{ field: 'spec.userData' }] } })
    await expect(refusal).rejects.toThrow(words)
    await expect(refusal).rejects.not.toThrow('hunter2')
  })
})

it.each([
  [{ backend: 'docker', firmware: 'uefi' }, 'Unsupported value: "uefi": a container has none'],
  [{ backend: 'qemu', firmware: 'efi' }, 'supported values: "bios", "uefi"'],
])('%j is no machine', async (spec, words) => {
  await expect(create(spec)).rejects.toMatchObject({ code: 422, message: expect.stringContaining(words) })
})

it.each([
  ['spec.command', { backend: 'qemu', command: ['login', '--password=hunter2'] }],
  ['spec.image', { backend: 'qemu', image: 'https://me:hunter2@example.com/a.qcow2', imageChecksum: `sha256:${'0'.repeat(64)}` }],
  ['spec.ssh.authorizedKeys[0]', { ssh: { mode: 'keys', authorizedKeys: ['-----BEGIN OPENSSH PRIVATE KEY-----hunter2'] } }],
])('what is wrong in %s is not repeated', async (field, spec) => {
  const refusal = create(spec)
  await expect(refusal).rejects.toMatchObject({ code: 422, details: { causes: [{ field }] } })
  await expect(refusal).rejects.not.toThrow('hunter2')
})

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
