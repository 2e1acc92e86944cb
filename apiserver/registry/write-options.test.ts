import { beforeEach, describe, expect, it } from 'vitest'
import { defineKind, type Kind } from '../../lib/api/define-kind.js'
import { decodeJson } from '../../lib/api/json/decode-json.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { t } from '../../lib/api/schema/t.js'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from './fixtures/open-registry.js'
import type { PatchType, RequestContext } from './registry.js'

const merge = 'application/merge-patch+json'
const json = 'application/json-patch+json'
const strategic = 'application/strategic-merge-patch+json'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

const create = async (manifest: unknown, context: RequestContext = fixture.admin, duplicates: string[] = []) =>
  readObject((await fixture.registry.create(kindOf('Task'), 'default', bodyOf(manifest, duplicates), context)).object)
const patch = async (type: PatchType, body: unknown, overrides: Partial<RequestContext> = {}, target = targetOf('Task', 'a')) =>
  readObject((await fixture.registry.patch(target, type, bodyOf(body), fixture.as('admin', overrides))).object)

describe('fieldValidation', () => {
  const typo = aTask('a', { comand: ['x'], env: [{ name: 'A', valu: 'b' }] }, { annotatoins: {} })
  const lines = [
    'unknown field "metadata.annotatoins"',
    'unknown field "spec.comand"',
    'unknown field "spec.env[0].valu"',
    'duplicate field "spec.env"',
  ]

  it('Strict refuses with the exact text, and says in the causes what was meant', async () => {
    const creation = create(typo, fixture.as('admin', { fieldValidation: 'Strict' }), ['spec.env'])
    await expect(creation).rejects.toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: `strict decoding error: ${lines.join(', ')}`,
      details: {
        causes: [
          { field: 'metadata.annotatoins', message: 'unknown field; did you mean "metadata.annotations"?' },
          { field: 'spec.comand', message: 'unknown field; did you mean "spec.command"?' },
          { field: 'spec.env[0].valu', message: 'unknown field; did you mean "spec.env[0].value"?' },
        ],
      },
    })
    expect(() => fixture.registry.get(targetOf('Task', 'a'))).toThrow('not found')
  })

  it('Warn warns and drops, Ignore drops', async () => {
    const task = await create(typo, fixture.admin, ['spec.env'])
    expect(fixture.warnings).toEqual(lines)
    expect(task.spec).not.toHaveProperty('comand')
    await patch(merge, { spec: { comand: [] } }, { fieldValidation: 'Ignore' })
    expect(fixture.warnings).toHaveLength(lines.length)
  })

  it('judges patches by what they leave', async () => {
    await create(aTask('a'))
    await expect(patch(merge, { spec: { sespend: true } }, { fieldValidation: 'Strict' })).rejects.toMatchObject({
      code: 400,
      message: 'strict decoding error: unknown field "spec.sespend"',
    })
    await patch(json, [{ op: 'add', path: '/spec/sespend', value: true }])
    expect(fixture.warnings).toEqual(['unknown field "spec.sespend"'])
  })

  it('never lets repeated owner references through, and says so', async () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }
    const task = await create(aTask('a', {}, { ownerReferences: [owner, owner] }))
    expect(task.metadata.ownerReferences).toEqual([owner])
    expect(fixture.warnings).toEqual([expect.stringContaining('duplicate entries')])
    expect(fixture.registry.get(targetOf('Task', 'a')).facets.owners).toEqual(['u'])
  })
})

describe('JSON patch', () => {
  it('fails as a whole, with 422, when one operation does not fit', async () => {
    const task = await create(aTask('a'))
    const operations = [
      { op: 'replace', path: '/spec/suspend', value: true },
      { op: 'test', path: '/spec/priority', value: 7 },
    ]
    await expect(patch(json, operations)).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('testing value /spec/priority failed'),
    })
    expect(readObject(fixture.registry.get(targetOf('Task', 'a')))).toEqual(task)
  })

  it('guards by a test of the resourceVersion', async () => {
    const { metadata } = await create(aTask('a'))
    const guarded = (revision: string) => [
      { op: 'test', path: '/metadata/resourceVersion', value: revision },
      { op: 'replace', path: '/spec/suspend', value: true },
    ]
    await expect(patch(json, guarded('1'))).rejects.toMatchObject({ code: 422 })
    expect((await patch(json, guarded(metadata.resourceVersion))).spec.suspend).toBe(true)
  })

  it('cannot make the object something else', async () => {
    await create(aTask('a'))
    await expect(patch(json, [{ op: 'replace', path: '', value: [] }])).rejects.toMatchObject({ code: 400 })
    await expect(patch(json, [{ op: 'replace', path: '/kind', value: 'Node' }])).rejects.toMatchObject({ code: 400 })
    await expect(patch(json, [{ op: 'replace', path: '/metadata/uid', value: 'x' }])).rejects.toMatchObject({ code: 409 })
  })
})

describe('strategic merge patch', () => {
  it('is for the kinds that kubectl was compiled with', async () => {
    await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name: 'n', finalizers: ['x.dev/a'] } }), fixture.admin)
    const condition = (type: string, status: string) => ({ type, status })
    const status = targetOf('Node', 'n', 'status')
    await patch(strategic, { status: { conditions: [condition('Ready', 'True'), condition('DiskPressure', 'False')] } }, {}, status)
    await patch(strategic, { status: { conditions: [condition('Ready', 'False')] } }, {}, status)
    const node = await patch(strategic, { spec: { unschedulable: true } }, {}, targetOf('Node', 'n'))
    expect(node.status.conditions).toEqual([condition('Ready', 'False'), condition('DiskPressure', 'False')])
    expect(node.spec.unschedulable).toBe(true)
    expect(fixture.registry.get(targetOf('Node', 'n')).facets.fields['spec.unschedulable']).toBe('true')
  })

  it('answers 415 for our own kinds, before it looks for the object', async () => {
    await expect(patch(strategic, {})).rejects.toMatchObject({
      code: 415,
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    })
  })
})

describe('a dry run', () => {
  it('answers what would be, at the present resourceVersion, and changes nothing', async () => {
    const task = await create(aTask('a', {}, { finalizers: ['x.dev/a'] }))
    const before = fixture.store.revision
    const patched = await patch(merge, { spec: { suspend: true } }, { dryRun: true })
    expect(patched).toMatchObject({ spec: { suspend: true }, metadata: { generation: 2, resourceVersion: task.metadata.resourceVersion } })
    const deleted = await fixture.registry.delete(targetOf('Task', 'a'), {}, fixture.as('admin', { dryRun: true }))
    expect(readObject(deleted.object).metadata.deletionTimestamp).toBeDefined()
    expect(fixture.store.revision).toBe(before)
    expect(readObject(fixture.registry.get(targetOf('Task', 'a')))).toEqual(task)
  })

  it('is refused for the same reasons as the write', async () => {
    await create(aTask('a'))
    await expect(create(aTask('a'), fixture.as('admin', { dryRun: true }))).rejects.toMatchObject({ code: 409 })
    await expect(patch(merge, { spec: { priority: 'x' } }, { dryRun: true })).rejects.toMatchObject({ code: 422 })
  })
})

describe('what is stored', () => {
  it('keeps long integers exact through creation, patch and no-op', async () => {
    const body = decodeJson(Buffer.from(JSON.stringify(aTask('a', { activeDeadlineSeconds: 1 })).replace(':1}', ':9007199254740993}')))
    const { object } = await fixture.registry.create(kindOf('Task'), 'default', body, fixture.admin)
    expect(object.bytes.toString()).toContain('"activeDeadlineSeconds":9007199254740993')
    await patch(merge, { metadata: { labels: { a: 'b' } } })
    const { bytes, revision } = fixture.registry.get(targetOf('Task', 'a'))
    expect(bytes.toString()).toContain('"activeDeadlineSeconds":9007199254740993')
    await fixture.registry.update(targetOf('Task', 'a'), decodeJson(bytes), fixture.admin)
    expect(fixture.registry.get(targetOf('Task', 'a')).revision).toBe(revision)
  })

  it('is at most 1.5 MB', async () => {
    const large = { metadata: { name: 'c' }, data: { a: 'x'.repeat(1_500_000) } }
    const creation = fixture.registry.create(kindOf('ConfigMap'), 'default', bodyOf(large), fixture.admin)
    await expect(creation).rejects.toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' })
  })

  it('is found by labels, selectable fields and owners', async () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }
    await create(aTask('a', { nodeName: 'n1' }, { labels: { app: 'x' }, ownerReferences: [owner] }))
    expect(fixture.registry.get(targetOf('Task', 'a')).facets).toEqual({
      labels: { app: 'x' },
      fields: { 'metadata.name': 'a', 'metadata.namespace': 'default', 'spec.nodeName': 'n1', 'status.phase': 'Assigned' },
      owners: ['u'],
      claims: [],
    })
  })

  it('never changes by writes that ask for what is there already', async () => {
    await create(aTask('a', { env: [{ name: 'A', value: '1' }] }, { labels: { a: 'b' } }))
    const { bytes, revision } = fixture.registry.get(targetOf('Task', 'a'))
    await patch(merge, JSON.parse(bytes.toString()))
    await patch(merge, { metadata: { labels: { a: 'b' }, managedFields: [{}] }, spec: { suspend: false } })
    await patch(json, [{ op: 'replace', path: '/metadata/labels/a', value: 'b' }])
    await fixture.registry.update(targetOf('Task', 'a', 'status'), bodyOf(JSON.parse(bytes.toString())), fixture.admin)
    expect(fixture.registry.get(targetOf('Task', 'a'))).toMatchObject({ revision })
    expect(fixture.registry.get(targetOf('Task', 'a')).bytes).toEqual(bytes)
  })
})

describe('a unique field', () => {
  const Door = defineKind({
    group: 'test.dev',
    version: 'v1',
    kind: 'Door',
    plural: 'doors',
    scope: 'Namespaced',
    description: 'A way in.',
    spec: t.object({ port: t.integer().describe('The port.'), name: t.string().describe('A name.').optional() }),
    unique: [
      { scope: 'cluster', fields: ['spec.port'] },
      { scope: 'namespace', fields: ['spec.name'] },
    ],
  }) as unknown as Kind

  it('is held by one object, in dry runs too, until that one lets go', async () => {
    fixture = await openRegistry({ kinds: [...builtinKinds, Door] })
    const open = (namespace: string, name: string, spec: object, dryRun = false) =>
      fixture.registry.create(Door, namespace, bodyOf({ metadata: { name }, spec }), fixture.as('admin', { dryRun }))
    const { object } = await open('default', 'a', { port: 80, name: 'front' })
    expect(object.facets.claims).toEqual(['cluster:spec.port=80', 'namespace/default:spec.name=front'])
    for (const dryRun of [true, false]) {
      const clash = open('kube-system', 'b', { port: 80 }, dryRun)
      await expect(clash).rejects.toMatchObject({ code: 409, message: expect.stringContaining('default/a') })
    }
    await expect(open('kube-system', 'b', { port: 81, name: 'front' })).resolves.toBeDefined()
    await expect(open('default', 'c', { port: 82, name: 'front' })).rejects.toMatchObject({ code: 409 })
    await fixture.registry.delete({ kind: Door, namespace: 'default', name: 'a' }, {}, fixture.admin)
    await expect(open('default', 'c', { port: 80, name: 'front' })).resolves.toBeDefined()
  })
})
