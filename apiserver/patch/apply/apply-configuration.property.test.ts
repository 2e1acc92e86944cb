/** What must hold of server-side apply for every schema feature, object and sequence of managers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { pathsOf } from '../../../lib/api/managed-fields/field-set.js'
import { type FieldManager, type ManagedFieldsEntry, managedEntry } from '../../../lib/api/managed-fields/managed-entry.js'
import { trackedPart } from '../../../lib/api/managed-fields/tracked-part.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { applyConfiguration } from './apply-configuration.js'
import { arrangeEntries } from './arrange-entries.js'
import { compareFields } from './compare-fields.js'
import { trackUpdate } from './track-update.js'

const text: JsonSchema = { type: 'string' }
const spec: JsonSchema = {
  type: 'object',
  properties: {
    size: { type: 'integer' },
    name: { ...text, nullable: true },
    limits: { type: 'object', properties: { cpu: text, memory: text } },
    labels: { type: 'object', additionalProperties: text },
    selector: { type: 'object', additionalProperties: text, 'x-kubernetes-map-type': 'atomic' },
    args: { type: 'array', items: text, 'x-kubernetes-list-type': 'atomic' },
    tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, name: text, hosts: { type: 'array', items: text } },
      },
    },
    anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}
const schema: JsonSchema = { type: 'object', properties: { spec } }

const word = fc.constantFrom('a', 'b', 'c')
const words = fc.dictionary(word, word, { maxKeys: 3 })
const port = fc.record(
  { port: fc.constantFrom(1, 2, 3), protocol: fc.constantFrom('TCP', 'UDP'), name: word, hosts: fc.array(word, { maxLength: 2 }) },
  { requiredKeys: ['port'] },
)
const aSpec = fc.record(
  {
    size: fc.constantFrom(0, 1),
    name: fc.option(word),
    limits: fc.record({ cpu: word, memory: word }, { requiredKeys: [] }),
    labels: words,
    selector: words,
    args: fc.array(word, { maxLength: 2 }),
    tags: fc.uniqueArray(word),
    ports: fc.uniqueArray(port, { selector: ({ port, protocol = 'TCP' }) => `${port}${protocol}`, maxLength: 3 }),
    anything: fc.dictionary(word, fc.oneof(word, words, fc.array(word, { maxLength: 2 })), { maxKeys: 2 }),
  },
  { requiredKeys: [] },
)

interface State {
  readonly object: KubeObject
  readonly entries: readonly ManagedFieldsEntry[]
}

const objectOf = (body: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'x' } as KubeObject['metadata'],
  spec: body,
})
const empty: State = { object: objectOf({}), entries: [] }
const managerOf = (manager: string, operation: FieldManager['operation']): FieldManager => ({ manager, operation, apiVersion: 'v1' })

function apply(state: State, manager: string, body: object, force = true) {
  const applier = managerOf(manager, 'Apply')
  const configuration = objectOf(body)
  const outcome = applyConfiguration(schema, { live: state.object, configuration, entries: state.entries, applier })
  if (!force && outcome.conflicts.length > 0) return { state, outcome }
  return { outcome, state: { object: outcome.object, entries: arrangeEntries([...outcome.others, managedEntry(applier, outcome.fields)]) } }
}

function update(state: State, manager: string, body: object): State {
  const object = objectOf(body)
  const changes = compareFields(schema, trackedPart(state.object), trackedPart(object))
  return { object, entries: trackUpdate(state.entries, changes, managerOf(manager, 'Update'), '2026-01-01T00:00:00Z') }
}

const write = fc.record({ manager: fc.constantFrom('m1', 'm2', 'm3'), body: aSpec, isApply: fc.boolean() })
/** A state that some applies and updates led to. */
const aState = fc
  .array(write, { maxLength: 4 })
  .map((writes) =>
    writes.reduce<State>(
      (state, { manager, body, isApply }) => (isApply ? apply(state, manager, body).state : update(state, manager, body)),
      empty,
    ),
  )

/** Lists whose order belongs to nobody, in one order. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled).sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, settled(member)]))
}

const owned = ({ entries }: State, besides?: string) =>
  entries.filter(({ manager }) => manager !== besides).flatMap(({ fieldsV1 }) => pathsOf(fieldsV1).map((path) => path.join(' ')))

describe('server-side apply', () => {
  it('done twice is done once', () => {
    fc.assert(
      fc.property(aState, aSpec, (state, body) => {
        const once = apply(state, 'me', body).state
        const twice = apply(once, 'me', body)
        expect(twice.outcome.conflicts).toEqual([])
        expect(twice.state).toEqual(once)
        expect(sameValue(twice.state.object, once.object)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('changes neither the live object nor the configuration', () => {
    fc.assert(
      fc.property(aState, aSpec, (state, body) => {
        const before = structuredClone({ state, body })
        apply(state, 'me', body)
        expect({ state, body }).toEqual(before)
      }),
      { numRuns: 150 },
    )
  })

  it('holds all that was applied, afterwards', () => {
    fc.assert(
      fc.property(aState, aSpec, (state, body) => {
        const { object, entries } = apply(state, 'me', body).state
        const again = applyConfiguration(schema, {
          live: object,
          configuration: objectOf(body),
          entries,
          applier: managerOf('other', 'Apply'),
        })
        expect(again.conflicts).toEqual([])
        expect(settled(again.object)).toEqual(settled(object))
      }),
      { numRuns: 150 },
    )
  })

  it('of disjoint fields commutes', () => {
    const parts = ['size', 'limits', 'labels', 'selector', 'args', 'tags', 'ports', 'anything'] as const
    fc.assert(
      fc.property(aSpec, aSpec, fc.subarray([...parts]), (left, right, chosen) => {
        const mine = Object.fromEntries(Object.entries(left).filter(([key]) => chosen.includes(key as never)))
        const yours = Object.fromEntries(Object.entries(right).filter(([key]) => !chosen.includes(key as never) && key !== 'name'))
        const there = apply(apply(empty, 'm1', mine, false).state, 'm2', yours, false)
        const back = apply(apply(empty, 'm2', yours, false).state, 'm1', mine, false)
        expect([there.outcome.conflicts, back.outcome.conflicts]).toEqual([[], []])
        expect(settled(there.state.object)).toEqual(settled(back.state.object))
        expect(there.state.entries).toEqual(back.state.entries)
      }),
      { numRuns: 150 },
    )
  })

  it('of items with different keys commutes', () => {
    const items = (from: number) =>
      fc.uniqueArray(
        port.map((item) => ({ ...item, port: item.port + from })),
        { selector: (item) => item.port },
      )
    fc.assert(
      fc.property(items(0), items(10), (left, right) => {
        const [mine, yours] = [{ ports: left }, { ports: right }]
        const there = apply(apply(empty, 'm1', mine, false).state, 'm2', yours, false).state
        const back = apply(apply(empty, 'm2', yours, false).state, 'm1', mine, false).state
        expect(settled(there.object)).toEqual(settled(back.object))
        expect(settled(there.object.spec)).toEqual(settled({ ports: [...left, ...right] }))
      }),
      { numRuns: 100 },
    )
  })

  it('conflicts exactly where another manager has a field that would change', () => {
    fc.assert(
      fc.property(aState, aSpec, (state, body) => {
        const { outcome } = apply(state, 'me', body)
        const changed = compareFields(schema, trackedPart(state.object), trackedPart(outcome.object)).changed
        const theirs = new Set(owned(state, 'me'))
        const expected = pathsOf(changed).map((path) => path.join(' '))
        const found = outcome.conflicts.flatMap(({ fields }) => pathsOf(fields).map((path) => path.join(' ')))
        expect([...new Set(found)].sort()).toEqual(expected.filter((path) => theirs.has(path)).sort())
      }),
      { numRuns: 150 },
    )
  })

  it('removes all that only this manager applied, and nothing that another applies', () => {
    fc.assert(
      fc.property(aState, aSpec, (state, body) => {
        expect(apply(apply(empty, 'me', body).state, 'me', {}).state.object).toEqual(empty.object)
        const before = apply(state, 'me', body).state
        const appliedByOthers = ({ entries }: State) =>
          entries.filter(({ manager, operation }) => manager !== 'me' && operation === 'Apply')
        expect(appliedByOthers(apply(before, 'me', {}).state)).toEqual(appliedByOthers(before))
      }),
      { numRuns: 120 },
    )
  })

  it('takes from every loser exactly the fields that changed, by force and by update alike', () => {
    fc.assert(
      fc.property(aState, aSpec, fc.boolean(), (state, body, isApply) => {
        const next = isApply ? apply(state, 'me', body).state : update(state, 'me', body)
        const { changed, removed } = compareFields(schema, trackedPart(state.object), trackedPart(next.object))
        const lost = new Set([...pathsOf(changed), ...pathsOf(removed)].map((path) => path.join(' ')))
        expect(owned(next, 'me').sort()).toEqual(
          owned(state, 'me')
            .filter((path) => !lost.has(path))
            .sort(),
        )
      }),
      { numRuns: 120 },
    )
  })
})
