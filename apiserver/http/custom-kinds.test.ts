import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { createRegistry } from '../registry/create-registry.js'
import { aDefinition, aWidget, define, definitions, widgetSchema, widgets } from './fixtures/definitions.js'
import { type Json, type RequestOptions, send, tableAccept } from './fixtures/requests.js'
import { WatchClient } from './fixtures/watch-client.js'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await testCluster()
})
afterEach(() => cluster.close())

const request = (method: string, path: string, body?: unknown, options: RequestOptions = {}) =>
  send(cluster, method, path, { ...options, ...(body === undefined ? {} : { body }) })
const widgetsDefinition = `${definitions}/widgets.example.com`
const conditions = ({ status }: Json) => status.conditions.map((one: Json) => `${one.type}=${one.status} ${one.reason}`)

describe('a definition', () => {
  it('is established when its writer gets the answer, with all names', async () => {
    const made = await define(cluster, aDefinition())
    expect(conditions(made)).toEqual(['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'])
    expect(made.status.acceptedNames).toMatchObject({ singular: 'widget', listKind: 'WidgetList' })
    expect(made.status.storedVersions).toEqual(['v1'])
    expect(made.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
  })

  it('brings its kind into both forms of discovery and into OpenAPI, and takes it out again', async () => {
    await define(cluster, aDefinition())
    const classic = (await request('GET', '/apis/example.com/v1')).json
    expect(classic.resources.map((one: Json) => one.name)).toEqual(['widgets', 'widgets/status'])
    const accept = { headers: { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } }
    const group = async () =>
      (await request('GET', '/apis', undefined, accept)).json.items.find((one: Json) => one.metadata.name === 'example.com')
    expect((await group()).versions[0].resources[0]).toMatchObject({ resource: 'widgets', shortNames: ['wd'], categories: ['all'] })
    const document = (await request('GET', '/openapi/v3/apis/example.com/v1')).json
    expect(document.components.schemas['com.example.v1.Widget'].properties.spec.properties.color.description).toBe('What it looks like.')
    await request('PATCH', widgetsDefinition, { spec: { versions: [{ ...aDefinition().spec.versions[0], served: false }] } })
    expect(await group()).toBeUndefined()
    expect((await request('GET', '/openapi/v3/apis/example.com/v1')).code).toBe(404)
  })

  it('waits while another kind has one of its names, and is served when the name is free', async () => {
    await define(cluster, aDefinition())
    const second = aDefinition({}, { names: { plural: 'gadgets', kind: 'Gadget' } })
    expect(conditions(await define(cluster, second))).toEqual(['NamesAccepted=False ShortNamesConflict', 'Established=False NotAccepted'])
    const gadgets = '/apis/example.com/v1/gadgets'
    expect((await request('GET', gadgets)).code).toBe(404)
    await request('PATCH', widgetsDefinition, { spec: { names: { shortNames: [] } } })
    await expect.poll(async () => (await request('GET', gadgets)).code).toBe(200)
  })

  it('is refused in a group of built-in kinds', async () => {
    const { code, json } = await request('POST', definitions, aDefinition({}, { group: 'millrace.dev' }))
    expect([code, json.details.causes[0].field]).toEqual([422, 'spec.group'])
  })

  it('keeps its names, its scope, and versions that objects may be stored in', async () => {
    await define(cluster, aDefinition())
    const second = { ...aDefinition().spec.versions[0], name: 'v2' }
    const { code, json } = await request('PATCH', widgetsDefinition, { spec: { scope: 'Cluster', versions: [second] } })
    expect([code, json.details.causes.map((one: Json) => one.field)]).toEqual([422, ['spec.scope', 'status.storedVersions[0]']])
  })
})

describe('objects of a defined kind', () => {
  beforeEach(() => define(cluster, aDefinition()))

  it('are pruned, defaulted and validated like those of any kind', async () => {
    const made = await request('POST', widgets, aWidget('a', { other: 1 }))
    expect([made.code, made.json.spec]).toEqual([201, { color: 'red', size: 3 }])
    expect(made.headers.get('warning')).toContain('unknown field \\"spec.other\\"')
    const strict = await request('POST', `${widgets}?fieldValidation=Strict`, aWidget('b', { other: 1 }))
    expect([strict.code, strict.json.message]).toEqual([400, 'strict decoding error: unknown field "spec.other"'])
    const wrong = await request('POST', widgets, aWidget('b', { color: 'RED', size: 0, parts: [{ name: 'x' }, { name: 'x' }], port: true }))
    expect(wrong.json.details.causes.map((one: Json) => `${one.reason} ${one.field}`)).toEqual([
      'FieldValueInvalid spec.color',
      'FieldValueInvalid spec.size',
      'FieldValueDuplicate spec.parts[1]',
      'FieldValueTypeInvalid spec.port',
    ])
  })

  it('keep integers of 64 bits, unknown fields where they may, and embedded objects with their own metadata', async () => {
    const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', nope: 1 }, spec: { any: [1] } }
    const text = JSON.stringify(aWidget('a', { serial: 7, free: { any: { thing: true } }, template })).replace(
      '"serial":7',
      '"serial":9007199254740993',
    )
    const made = await request('POST', widgets, text, { headers: { 'Content-Type': 'application/json' } })
    expect(made.text).toContain('"serial":9007199254740993')
    expect(made.json.spec.free).toEqual({ any: { thing: true } })
    expect(made.json.spec.template).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { any: [1] } })
    const without = await request('POST', widgets, aWidget('b', { template: { metadata: {} } }))
    expect(without.json.details.causes.map((one: Json) => one.field)).toEqual(['spec.template.apiVersion', 'spec.template.kind'])
  })

  it('have a status of their own, a generation, and columns', async () => {
    await request('POST', widgets, { ...aWidget('a'), status: { phase: 'New' } })
    await request('PATCH', `${widgets}/a/status`, { spec: { color: 'blue' }, status: { phase: 'Done' } })
    const { json } = await request('GET', `${widgets}/a`)
    expect([json.spec.color, json.status, json.metadata.generation]).toEqual(['red', { phase: 'Done' }, 1])
    const table = (await request('GET', widgets, undefined, { headers: { Accept: tableAccept } })).json
    expect([table.columnDefinitions.map((one: Json) => one.name), table.rows[0].cells]).toEqual([
      ['Name', 'Color'],
      ['a', 'red'],
    ])
  })

  it('take merge and JSON patches, no strategic ones, and no update without a resourceVersion', async () => {
    await request('POST', widgets, aWidget('a'))
    expect((await request('PATCH', `${widgets}/a`, { spec: { size: 5 } })).json.spec.size).toBe(5)
    const strategic = { headers: { 'Content-Type': 'application/strategic-merge-patch+json' } }
    expect((await request('PATCH', `${widgets}/a`, { spec: { size: 5 } }, strategic)).code).toBe(415)
    expect((await request('PUT', `${widgets}/a`, aWidget('a'))).json.details.causes[0].field).toBe('metadata.resourceVersion')
  })

  it('are watched, and their watches end when the kind changes', async () => {
    const watch = await WatchClient.open(cluster.url, `${widgets}?watch=1`)
    await request('POST', widgets, aWidget('a'))
    await watch.count(1)
    const [version] = aDefinition().spec.versions
    await request('PATCH', widgetsDefinition, { spec: { versions: [{ ...version, additionalPrinterColumns: [] }] } })
    await watch.ended()
    expect(watch.story).toEqual(['ADDED a'])
  })

  it('are served in the form that the schema has now, without a new revision', async () => {
    const before = (await request('POST', widgets, aWidget('a', { size: 4 }))).json
    const { size: _size, ...others } = widgetSchema.properties.spec.properties
    const properties = { ...others, weight: { type: 'integer', default: 10 } }
    const schema = { ...widgetSchema, properties: { ...widgetSchema.properties, spec: { ...widgetSchema.properties.spec, properties } } }
    await request('PATCH', widgetsDefinition, { spec: aDefinition({ schema: { openAPIV3Schema: schema } }).spec })
    const { json } = await request('GET', `${widgets}/a`)
    expect([json.spec, json.metadata.resourceVersion]).toEqual([{ color: 'red', weight: 10 }, before.metadata.resourceVersion])
    expect((await request('GET', widgets)).json.items[0].spec).toEqual({ color: 'red', weight: 10 })
  })

  it('are selected by fields, also by those that became selectable later', async () => {
    await request('POST', widgets, aWidget('a'))
    await request('POST', widgets, aWidget('b', { color: 'blue' }))
    expect((await request('GET', `${widgets}?fieldSelector=spec.color=red`)).code).toBe(400)
    await request('PATCH', widgetsDefinition, { spec: aDefinition({ selectableFields: [{ jsonPath: '.spec.color' }] }).spec })
    await request('POST', widgets, aWidget('c', { color: 'red' }))
    const names = async (path: string) => (await request('GET', path)).json.items.map((one: Json) => one.metadata.name)
    expect(await names(`${widgets}?fieldSelector=spec.color=red`)).toEqual(['a', 'c'])
    const watch = await WatchClient.open(cluster.url, `${widgets}?watch=1&fieldSelector=spec.color=red`)
    await request('PATCH', `${widgets}/a`, { spec: { color: 'blue' } })
    await watch.count(3)
    expect(watch.story).toEqual(['ADDED a', 'ADDED c', 'DELETED a'])
    watch.close()
    await request('DELETE', `${widgets}?fieldSelector=spec.color=blue`)
    expect(await names(widgets)).toEqual(['c'])
  })

  it('may be changed while something stays wrong that was right once', async () => {
    await request(
      'POST',
      widgets,
      aWidget('a', {
        color: 'red',
        parts: [
          { name: 'x', count: 8 },
          { name: 'y', count: 1 },
        ],
      }),
    )
    const text = JSON.stringify(widgetSchema).replace('"maximum":9', '"maximum":5').replace('^[a-z]+$', '^blue$')
    await request('PATCH', widgetsDefinition, { spec: aDefinition({ schema: { openAPIV3Schema: JSON.parse(text) } }).spec })
    const patch = (spec: object) => request('PATCH', `${widgets}/a`, { spec })
    expect(
      (
        await patch({
          size: 9,
          parts: [
            { name: 'y', count: 2 },
            { name: 'x', count: 8 },
          ],
        })
      ).code,
    ).toBe(200)
    expect((await patch({ parts: [{ name: 'x', count: 7 }] })).json.details.causes[0].field).toBe('spec.parts[0].count')
    expect((await patch({ color: 'green' })).json.details.causes[0].field).toBe('spec.color')
  })
})

describe('rules of a kind', () => {
  const [version] = aDefinition().spec.versions
  const withRules = (...rules: object[]) => {
    const { spec } = widgetSchema.properties
    return { ...widgetSchema, properties: { ...widgetSchema.properties, spec: { ...spec, 'x-kubernetes-validations': rules } } }
  }
  const define2 = (...rules: object[]) => define(cluster, aDefinition({ ...version, schema: { openAPIV3Schema: withRules(...rules) } }))

  it('refuse objects and changes, with the field, the reason and the words of the rule', async () => {
    await define2(
      { rule: 'self.size < 10', message: 'at most nine', fieldPath: '.size', reason: 'FieldValueForbidden' },
      { rule: 'self.size >= oldSelf.size', messageExpression: '"it was " + string(oldSelf.size)' },
    )
    const refused = await request('POST', widgets, aWidget('a', { size: 12 }))
    expect([refused.code, refused.json.details.causes]).toEqual([
      422,
      [{ reason: 'FieldValueForbidden', field: 'spec.size', message: 'Forbidden: at most nine' }],
    ])
    await request('POST', widgets, aWidget('a', { size: 5 }))
    const shrunk = await request('PATCH', `${widgets}/a`, { spec: { size: 4 } })
    expect(shrunk.json.details.causes[0].message).toBe('Invalid value: "object": it was 5')
    expect((await request('PATCH', `${widgets}/a`, { spec: { size: 6 } })).code).toBe(200)
  })

  it('are refused with their path when they cannot be had', async () => {
    const schema = withRules({ rule: 'self.sice < 10' })
    const { code, json } = await request('POST', definitions, aDefinition({ ...version, schema: { openAPIV3Schema: schema } }))
    const field = 'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule'
    expect([code, json.details.causes[0].field]).toEqual([422, field])
    expect(json.details.causes[0].message).toContain('compilation failed: No such key: sice')
  })
})

describe('the scale of an object', () => {
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
  const number = { type: 'integer', minimum: 0, maximum: 50 }
  const properties = {
    spec: { type: 'object', properties: { replicas: number, color: { type: 'string' } } },
    status: { type: 'object', properties: { replicas: number, selector: { type: 'string' } } },
  }
  const path = `${widgets}/a/scale`
  beforeEach(async () => {
    const openAPIV3Schema = { type: 'object', properties }
    await define(cluster, aDefinition({ schema: { openAPIV3Schema }, subresources: { status: {}, scale } }))
    await request('POST', widgets, aWidget('a', { replicas: 2 }))
    await request('PATCH', `${widgets}/a/status`, { status: { replicas: 1, selector: 'app=a' } })
  })

  it('is shown, patched and replaced, and the object has it', async () => {
    const { json } = await request('GET', path)
    expect(json).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'app=a' },
    })
    expect((await request('PATCH', path, { spec: { replicas: 7 } })).json.spec.replicas).toBe(7)
    expect((await request('PUT', path, { ...json, metadata: { name: 'a' }, spec: { replicas: 3 } })).json.spec.replicas).toBe(3)
    const object = (await request('GET', `${widgets}/a`)).json
    expect([object.spec, object.status.replicas, object.metadata.generation]).toEqual([{ color: 'red', replicas: 3 }, 1, 3])
  })

  it('is refused when it is none, when it is stale, and when the schema does not take it', async () => {
    const { json } = await request('GET', path)
    expect((await request('PATCH', path, { spec: { replicas: -1 } })).json.details.causes[0].field).toBe('spec.replicas')
    expect((await request('PATCH', path, { spec: { replicas: 51 } })).code).toBe(422)
    expect((await request('PUT', path, { kind: 'Widget' })).code).toBe(400)
    await request('PATCH', path, { spec: { replicas: 4 } })
    expect((await request('PUT', path, json)).code).toBe(409)
    expect((await request('POST', path, json)).code).toBe(405)
    expect((await request('GET', `${widgets}/none/scale`)).code).toBe(404)
    const apply = { headers: { 'Content-Type': 'application/apply-patch+yaml' } }
    expect((await request('PATCH', `${path}?fieldManager=me`, { spec: { replicas: 1 } }, apply)).code).toBe(415)
  })
})

describe('versions of a kind', () => {
  const [one] = aDefinition().spec.versions
  const two = { ...one, name: 'v2beta1', storage: false, deprecated: true }
  const other = '/apis/example.com/v2beta1/namespaces/default/widgets'
  beforeEach(() => define(cluster, aDefinition({}, { versions: [two, one] })))

  it('show the same objects, each with its own apiVersion, the preferred first', async () => {
    expect((await request('GET', '/apis/example.com')).json.preferredVersion.version).toBe('v1')
    const made = await request('POST', other, { ...aWidget('a'), apiVersion: 'example.com/v2beta1' })
    expect(made.json.apiVersion).toBe('example.com/v2beta1')
    expect(made.headers.get('warning')).toContain('example.com/v2beta1 Widget is deprecated')
    expect((await request('GET', `${widgets}/a`)).json.apiVersion).toBe('example.com/v1')
    expect((await request('GET', other)).json).toMatchObject({
      apiVersion: 'example.com/v2beta1',
      items: [{ apiVersion: 'example.com/v2beta1' }],
    })
    const watch = await WatchClient.open(cluster.url, `${other}?watch=1`)
    const first = await WatchClient.open(cluster.url, `${widgets}?watch=1`)
    await request('PATCH', `${widgets}/a`, { spec: { size: 8 } })
    expect((await watch.count(2)).map(({ object }) => object.apiVersion)).toEqual(['example.com/v2beta1', 'example.com/v2beta1'])
    expect((await first.count(2)).map(({ object }) => object.apiVersion)).toEqual(['example.com/v1', 'example.com/v1'])
    watch.close()
    first.close()
    expect((await request('DELETE', `${other}/a`)).json.status).toBe('Success')
  })

  it('count as one kind where objects are counted and explained', async () => {
    await request('POST', widgets, aWidget('a'))
    const counts = (await request('GET', `/trpc/summary?input=${encodeURIComponent('{}')}`)).json.result.data.kinds
    expect(counts.filter((one: Json) => one.resource === 'widgets')).toEqual([expect.objectContaining({ version: 'v1', count: 1 })])
    const input = encodeURIComponent(JSON.stringify({ resource: 'widgets', name: 'a' }))
    expect((await request('GET', `/trpc/history?input=${input}`)).code).toBe(200)
  })

  it('are stored in the storage version, also by an update without a change', async () => {
    await request('POST', widgets, aWidget('a'))
    const key = { group: 'example.com', resource: 'widgets', namespace: 'default', name: 'a' }
    const stored = () => (JSON.parse(cluster.store.get(key)?.bytes.toString() ?? '{}') as Json).apiVersion
    const changed = await request('PATCH', widgetsDefinition, {
      spec: {
        versions: [
          { ...two, storage: true },
          { ...one, storage: false },
        ],
      },
    })
    expect(changed.json.status.storedVersions).toEqual(['v1', 'v2beta1'])
    expect(stored()).toBe('example.com/v1')
    await request('PATCH', `${widgets}/a`, {})
    expect(stored()).toBe('example.com/v2beta1')
    expect((await request('GET', `${widgets}/a`)).json.apiVersion).toBe('example.com/v1')
  })
})

describe('a definition that is being deleted', () => {
  it('takes no new objects, and lets those that are there be read and deleted', async () => {
    await define(cluster, aDefinition())
    await request('POST', widgets, aWidget('a'))
    expect(conditions((await request('DELETE', widgetsDefinition)).json)).toContain('Terminating=True InstanceDeletionInProgress')
    expect((await request('POST', widgets, aWidget('b'))).code).toBe(405)
    expect((await request('GET', `${widgets}/a`)).code).toBe(200)
    const watch = await WatchClient.open(cluster.url, `${widgets}?watch=1`)
    await request('DELETE', widgets)
    await request('PATCH', widgetsDefinition, { metadata: { finalizers: null } })
    await watch.ended()
    expect(watch.story).toEqual(['ADDED a', 'DELETED a'])
    expect((await request('GET', widgets)).code).toBe(404)
    await define(cluster, aDefinition())
    expect((await request('GET', widgets)).json.items).toEqual([])
  })
})

describe('a server that starts again', () => {
  it('has the kinds, their rules and their objects before it answers', async () => {
    const { spec } = widgetSchema.properties
    const rules = [{ rule: 'self.size < 10', message: 'at most nine' }]
    const properties = { ...widgetSchema.properties, spec: { ...spec, 'x-kubernetes-validations': rules } }
    await define(cluster, aDefinition({ schema: { openAPIV3Schema: { ...widgetSchema, properties } } }))
    await request('POST', widgets, aWidget('a', { size: 4 }))
    const registry = createRegistry({ store: cluster.store, kinds: builtinKinds, clock: cluster.clock })
    const kind = registry.findKind('example.com', 'v1', 'widgets')
    if (!kind) throw new Error('the kind is not there')
    const target = { kind, namespace: 'default', name: 'a', subresource: '' } as const
    expect(JSON.parse(registry.get(target).bytes.toString())).toMatchObject({ spec: { size: 4 } })
    const context = { user: { name: 'admin', groups: [] }, requestId: 'test', fieldManager: 'test', namesFieldManager: false } as const
    const patched = registry.patch(
      target,
      'application/merge-patch+json',
      { value: { spec: { size: 10 } }, duplicates: [] },
      { ...context, dryRun: false, fieldValidation: 'Strict', warn: () => {} },
    )
    await expect(patched).rejects.toThrow('at most nine')
  })
})
