import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Condition, findCondition, isConditionTrue } from './condition.js'
import { type ConditionTypeOf, defineKind, type Manifest, type Resource } from './define-kind.js'
import type { Task } from './kinds/task.js'
import { t } from './schema/t.js'

const names = {
  group: 'example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'Idle slots.',
} as const
const spec = t.object({ size: t.integer().describe('How many.').default(1), color: t.oneOf('red', 'blue').describe('Which.').optional() })
const ready = t.integer().describe('How many are ready.').optional()

const Pool = defineKind({ ...names, spec, status: t.object({ ready }), conditions: ['Ready', 'Full'] })
const WithoutStatus = defineKind({ ...names, spec, conditions: ['Ready'] })
const WithoutConditions = defineKind({ ...names, spec, status: t.object({ ready }) })
const OwnConditions = t.listMap(['type'], t.object({ type: t.string(), holds: t.boolean() })).describe('Their own.')
const WithItsOwn = defineKind({ ...names, spec, status: t.object({ conditions: OwnConditions.optional() }), conditions: ['Ready'] })

const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const pool: Resource<typeof Pool> = { apiVersion: 'example.com/v1', kind: 'Pool', metadata, spec: { size: 1 } }

describe('the types of a declared kind', () => {
  it('name its conditions, and no other', () => {
    expectTypeOf<ConditionTypeOf<typeof Pool>>().toEqualTypeOf<'Ready' | 'Full'>()
    expectTypeOf<ConditionTypeOf<typeof WithoutConditions>>().toEqualTypeOf<never>()
    expectTypeOf<ConditionTypeOf<typeof Task>>().extract<'Ready' | 'Reddy'>().toEqualTypeOf<'Ready'>()
    // @ts-expect-error: no such condition is declared
    const wrong: ConditionTypeOf<typeof Pool> = 'Reddy'
    expect(wrong).toBe('Reddy')
  })

  it('give the status conditions where the declaration names some', () => {
    expectTypeOf<NonNullable<Resource<typeof Pool>['status']>>().toEqualTypeOf<{
      ready?: number | undefined
      conditions?: Condition[] | undefined
    }>()
    expectTypeOf<NonNullable<Resource<typeof WithoutStatus>['status']>>().toEqualTypeOf<{ conditions?: Condition[] | undefined }>()
    // @ts-expect-error: it declares none
    void ({ ...pool, status: { conditions: [] } } satisfies Resource<typeof WithoutConditions>)
    // @ts-expect-error: it says itself what they look like
    void ({ ...pool, status: { conditions: [{ type: 'Ready', status: 'True' }] } } satisfies Resource<typeof WithItsOwn>)
  })

  it('let a manifest leave out a spec that has a default, and no other', () => {
    const WithDefault = defineKind({ ...names, spec: t.object({ color: t.string().optional() }).default({}) })
    void ({ metadata: { name: 'a' } } satisfies Manifest<typeof WithDefault>)
    // @ts-expect-error: a spec without a default is asked for
    void ({ metadata: { name: 'a' } } satisfies Manifest<typeof Pool>)
    expect([WithDefault, Pool].map(({ schema }) => schema.required)).toEqual([undefined, ['spec']])
  })

  it('refuse a field, a value or a type that is not declared', () => {
    const manifest: Manifest<typeof Pool> = { metadata: { name: 'a' }, spec: { color: 'red' } }
    // @ts-expect-error: a word that the field does not take
    manifest.spec.color = 'green'
    // @ts-expect-error: no such field
    manifest.spec.colour = 'red'
    // @ts-expect-error: a text where a number belongs
    manifest.spec = { size: '3' }
    // @ts-expect-error: a manifest may leave it out, and then it is not a number
    const before: number = manifest.spec.size
    // The server has written the default.
    const after: number = pool.spec.size
    expect([before, after]).toEqual(['3', 1])
  })
})

describe('whoever looks for a condition', () => {
  it('is told of a type that the kind does not declare', () => {
    expect(isConditionTrue(pool, 'Ready')).toBe(false)
    // @ts-expect-error: no such condition is declared
    expect(isConditionTrue(pool, 'Reddy')).toBe(false)
    // @ts-expect-error: as little of a built-in kind
    findCondition({} as Task, 'Reddy')
    // Where no kind is known, or one that declares none, any type may be there.
    findCondition({ status: {} }, 'Reddy')
    findCondition({} as Resource<typeof WithoutConditions>, 'Reddy')
  })
})

describe('the schema of a declared kind', () => {
  const statusOf = (kind: { schema: { properties?: Record<string, object> } }) => kind.schema.properties?.status

  it('has conditions where the declaration names some', () => {
    expect(statusOf(Pool)).toMatchObject({
      properties: { ready: { type: 'integer' }, conditions: { 'x-kubernetes-list-map-keys': ['type'] } },
    })
    expect(statusOf(WithoutStatus)).toMatchObject({ type: 'object', properties: { conditions: { type: 'array' } } })
    expect(statusOf(WithoutConditions)).not.toHaveProperty('properties.conditions')
    expect(statusOf(WithItsOwn)).toHaveProperty('properties.conditions', OwnConditions.json)
  })

  it.each([
    ['a status', Pool, ['status']],
    ['conditions alone', WithoutStatus, ['status']],
    ['neither', defineKind({ ...names, spec }), []],
    ['a status and other words', defineKind({ ...names, spec, status: t.object({ ready }), subresources: [] }), []],
    ['a status, and is a question', defineKind({ ...names, spec, status: t.object({ ready }), verbs: ['create'] }), []],
  ])('has the subresource status by itself: %s', (_what, kind, subresources) => {
    expect(kind.subresources).toEqual(subresources)
  })
})
