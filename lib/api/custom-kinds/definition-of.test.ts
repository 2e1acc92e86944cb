import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kind } from '../define-kind.js'
import { type AnyOptions, aKind, anyOptions } from '../fixtures/any-kind.js'
import type { CustomResourceDefinition, CustomResourceDefinitionManifest } from '../kinds/custom-resource-definition.js'
import { t } from '../schema/t.js'
import { customKinds } from './custom-kinds.js'
import { definitionOf } from './definition-of.js'

/** The kind that a server has from a definition. */
function served(definition: CustomResourceDefinitionManifest): Kind | undefined {
  const status = { acceptedNames: definition.spec.names, conditions: [{ type: 'Established', status: 'True' }] }
  return customKinds({ ...definition, status } as unknown as CustomResourceDefinition, 1)[0]
}

/** What a kind says in the end, without what says where it comes from. */
function sayings({
  schema,
  scale,
  columns,
  selectable,
  indexed,
  subresources,
  shortNames,
  categories,
  scope,
  singular,
  listKind,
  apiVersion,
}: Kind) {
  const shown = columns.map((column) => ({
    name: column.name,
    type: column.type ?? 'string',
    jsonPath: column.jsonPath,
    priority: column.priority,
  }))
  const selected = [...new Set([...indexed, ...selectable])].sort()
  return { schema, scale, columns: shown, selected, subresources, shortNames, categories, scope, singular, listKind, apiVersion }
}

const anyKind = anyOptions.map(aKind)

describe('the definition of a declared kind', () => {
  it('gives a server that very kind', () => {
    fc.assert(
      fc.property(anyKind, (kind) => {
        const copy = served(JSON.parse(JSON.stringify(definitionOf(kind))))
        expect(copy && sayings(copy)).toEqual(sayings(kind))
      }),
    )
  })

  it.each<[string, Partial<AnyOptions>, RegExp]>([
    ['a function that validates', { validate: () => [] }, /validate is a function of this program: say it as a rule in CEL/],
    ['claims', { unique: [{ scope: 'cluster', fields: ['spec.a'] }] }, /unique: no two objects/],
    ['sealing', { encrypted: true }, /encrypted: .*Secret/],
    ['no history', { history: 'none' }, /history: 'none'/],
    ['placement', { workload: true }, /workload: /],
    ['names of its own', { nameRule: 'path' }, /nameRule: 'path'/],
    ['creation by PUT', { createOnUpdate: true }, /createOnUpdate/],
    ['a size', { maxBytes: 10 }, /maxBytes/],
    ['a view', { viewOf: [aKind()] }, /viewOf/],
    ['columns before the name', { nameFirst: false }, /nameFirst/],
    ['fewer verbs', { verbs: ['get'] }, /verbs/],
    ['other subresources', { subresources: ['status', 'log', 'exec'] }, /subresources: it has none of log, exec/],
    ['a subresource scale without numbers', { subresources: ['scale'] }, /scale: it goes with/],
    [
      'numbers without the subresource scale',
      { scale: { specReplicas: ['spec', 'n'], statusReplicas: ['status', 'n'] } },
      /scale: it goes with/,
    ],
    ['a group that is none', { group: 'pools' }, /spec\.group: Invalid value: "pools": should be a domain/],
    ['nine selectable fields', { selectable: [...'abcdefghi'].map((name) => `spec.${name}`) }, /selectableFields: Too many/],
    [
      'a selectable field that is not there',
      { spec: t.object({}), selectable: ['spec.color'] },
      /\.spec\.color.*does not refer to a valid field/,
    ],
    [
      'a rule that is none',
      { spec: t.object({ a: t.string() }).rule('self.b == 1') },
      /spec.*x-kubernetes-validations\[0\]\.rule.*compilation failed/,
    ],
    ['several at once', { encrypted: true, workload: true }, /encrypted: .*; workload: /],
  ])('is refused, in words, with %s', (_what, more, words) => expect(() => definitionOf(aKind(more))).toThrow(words))
})
