import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../define-kind.js'
import { validateDefinition } from './validate-definition.js'

// biome-ignore lint/suspicious/noExplicitAny: a test writes what no type allows
type Anything = any

function definition(schema: Anything, version: Anything = {}, spec: Anything = {}): KubeObject {
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' } as Anything,
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' }, versions, ...spec },
  }
}

const root = 'spec.versions[0].schema.openAPIV3Schema'
const causes = (object: KubeObject, old?: KubeObject) =>
  validateDefinition(object, old).map(({ reason, field }) => `${reason.replace('FieldValue', '')} ${field?.replace(root, '$')}`)
const object = (properties: Anything, more: Anything = {}) => ({ type: 'object', properties, ...more })
const text = { type: 'string' }

describe('a structural schema', () => {
  it.each<[string, Anything]>([
    [
      'a type everywhere',
      object({ a: text, b: { type: 'array', items: text }, c: { type: 'object', additionalProperties: { type: 'integer' } } }),
    ],
    [
      'int or string',
      object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^1' } }),
    ],
    ['unknown fields kept', object({ a: { 'x-kubernetes-preserve-unknown-fields': true } })],
    [
      'logic about known fields',
      object({ a: text, b: text }, { oneOf: [{ required: ['a'] }, { required: ['b'] }], not: { properties: { a: { enum: ['x'] } } } }),
    ],
    ['names restricted', object({ metadata: object({ name: { type: 'string', maxLength: 5 } }) })],
    [
      'a list map with required keys',
      object({
        a: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: object({ k: text }, { required: ['k'] }),
        },
      }),
    ],
    ['a set of texts', object({ a: { type: 'array', 'x-kubernetes-list-type': 'set', items: text } })],
    ['defaults that fit', object({ a: object({ b: { type: 'integer', default: 3 } }, { default: {} }) })],
    ['nullable with a default of null', object({ a: { type: 'string', nullable: true, default: null } })],
    ['words of documentation', object({ a: { ...text, title: 'A', example: 'x', externalDocs: { url: 'https://example.com' } } })],
  ])('may have %s', (_name, schema) => expect(causes(definition(schema))).toEqual([]))

  it.each<[string, Anything, string[]]>([
    ['no type', object({ a: {} }), ['Required $.properties[a].type']],
    ['no items', object({ a: { type: 'array' } }), ['Required $.properties[a].items']],
    ['no object at the root', { type: 'string' }, ['Invalid $.type']],
    ['an unknown word', object({ a: { ...text, 'x-other': 1 } }), ['Forbidden $.properties[a].x-other']],
    ['$ref', object({ a: { $ref: '#/b' } }), ['Forbidden $.properties[a].$ref']],
    ['a word of the wrong type', object({ a: { ...text, maxLength: '3' } }), ['Invalid $.properties[a].maxLength']],
    ['a type that is none', object({ a: { type: 'text' } }), ['NotSupported $.properties[a].type']],
    ['items in a list', object({ a: { type: 'array', items: [text] } }), ['Forbidden $.properties[a].items']],
    ['uniqueItems', object({ a: { type: 'array', items: text, uniqueItems: true } }), ['Forbidden $.properties[a].uniqueItems']],
    [
      'both kinds of members',
      object({ a: { ...object({ b: text }), additionalProperties: text } }),
      ['Forbidden $.properties[a].additionalProperties'],
    ],
    [
      'members forbidden',
      object({ a: { type: 'object', additionalProperties: false } }),
      ['Forbidden $.properties[a].additionalProperties'],
    ],
    ['types within logic', object({ a: { ...text, anyOf: [{ type: 'string' }] } }), ['Forbidden $.properties[a].anyOf[0].type']],
    ['a default within logic', object({ a: { ...text, not: { default: 'x' } } }), ['Forbidden $.properties[a].not.default']],
    [
      'logic about a field that it alone knows',
      object({}, { allOf: [{ properties: { b: { minLength: 1 } } }] }),
      ['Required $.properties[b]'],
    ],
    ['more said of metadata', object({ metadata: object({ labels: { type: 'object' } }) }), ['Forbidden $.properties[metadata]']],
    [
      'a list map without keys',
      object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', items: object({}) } }),
      ['Required $.properties[a].x-kubernetes-list-map-keys'],
    ],
    [
      'keys that are not there',
      object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: object({}) } }),
      ['Invalid $.properties[a].x-kubernetes-list-map-keys[0]'],
    ],
    [
      'keys that may be absent',
      object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: object({ k: text }) } }),
      ['Required $.properties[a].items.properties[k].default'],
    ],
    [
      'a set of objects',
      object({ a: { type: 'array', 'x-kubernetes-list-type': 'set', items: object({}) } }),
      ['Invalid $.properties[a].items.x-kubernetes-map-type'],
    ],
    ['a list type on text', object({ a: { ...text, 'x-kubernetes-list-type': 'set' } }), ['Invalid $.properties[a].type']],
    [
      'a type with int or string',
      object({ a: { type: 'string', 'x-kubernetes-int-or-string': true } }),
      ['Forbidden $.properties[a].type'],
    ],
    ['a pattern that looks ahead', object({ a: { ...text, pattern: '(?=a)' } }), ['Invalid $.properties[a].pattern']],
    ['a default that does not fit', object({ a: { type: 'integer', default: 'x' } }), ['TypeInvalid $.properties[a].default']],
    ['a default with unknown fields', object({ a: object({}, { default: { b: 1 } }) }), ['Invalid $.properties[a].default.b']],
    [
      'an embedded object without fields',
      object({ a: { type: 'object', 'x-kubernetes-embedded-resource': true } }),
      ['Required $.properties[a].properties'],
    ],
    [
      'unknown fields dropped by word',
      object({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false } }),
      ['Invalid $.properties[a].x-kubernetes-preserve-unknown-fields'],
    ],
  ])('may not have %s', (_name, schema, expected) => expect(causes(definition(schema))).toEqual(expected))
})

describe('a definition', () => {
  const plain = object({ spec: object({ n: { type: 'integer' }, o: object({}), s: text }) })
  it.each<[string, KubeObject, string[]]>([
    ['a group without a dot', definition(plain, {}, { group: 'example' }), ['Invalid spec.group', 'Invalid metadata.name']],
    [
      'names in upper case',
      definition(plain, {}, { names: { plural: 'Widgets', kind: 'Widget' } }),
      ['Invalid metadata.name', 'Invalid spec.names.plural'],
    ],
    [
      'one kind for objects and lists',
      definition(plain, {}, { names: { plural: 'widgets', kind: 'Widget', listKind: 'Widget' } }),
      ['Invalid spec.names.listKind'],
    ],
    ['no storage version', definition(plain, { storage: false }), ['Invalid spec.versions']],
    ['no schema', definition(plain, { schema: undefined }), ['Required $']],
    ['a warning without deprecation', definition(plain, { deprecationWarning: 'x' }), ['Invalid spec.versions[0].deprecationWarning']],
    [
      'a column that cannot be read',
      definition(plain, { additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.a[' }] }),
      ['Invalid spec.versions[0].additionalPrinterColumns[0].jsonPath'],
    ],
    [
      'a column that searches everything',
      definition(plain, { additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '..a' }] }),
      ['Forbidden spec.versions[0].additionalPrinterColumns[0].jsonPath'],
    ],
    ['unknown fields kept everywhere', definition(plain, {}, { preserveUnknownFields: true }), ['Invalid spec.preserveUnknownFields']],
    [
      'a conversion by webhook',
      definition(plain, {}, { conversion: { strategy: 'None', webhook: {} } }),
      ['Forbidden spec.conversion.webhook'],
    ],
    [
      'selectable metadata',
      definition(plain, { selectableFields: [{ jsonPath: '.metadata.name' }] }),
      ['Forbidden spec.versions[0].selectableFields[0].jsonPath'],
    ],
    [
      'a selectable object',
      definition(plain, { selectableFields: [{ jsonPath: '.spec.o' }] }),
      ['Invalid spec.versions[0].selectableFields[0].jsonPath'],
    ],
    [
      'a selectable field twice',
      definition(plain, { selectableFields: [{ jsonPath: '.spec.s' }, { jsonPath: '.spec.s' }] }),
      ['Duplicate spec.versions[0].selectableFields[1].jsonPath'],
    ],
  ])('may not have %s', (_name, made, expected) => expect(causes(made)).toEqual(expected))

  it('needs approval for the groups of Kubernetes', () => {
    const made = definition(plain, {}, { group: 'things.k8s.io' })
    made.metadata.name = 'widgets.things.k8s.io'
    expect(causes(made)).toEqual(['Required metadata.annotations[api-approved.kubernetes.io]'])
    made.metadata.annotations = { 'api-approved.kubernetes.io': 'https://example.com' }
    expect(causes(made)).toEqual([])
  })

  it('is judged soon, however large its schema', () => {
    const wide = object({ spec: object(Object.fromEntries(Array.from({ length: 9_990 }, (_, index) => [`field${index}`, text]))) })
    expect(causes(definition(wide))).toEqual([])
    const wider = object({ spec: object(Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`field${index}`, text]))) })
    expect(causes(definition(wider))).toEqual([expect.stringMatching(/^TooMany /)])
  })
})
