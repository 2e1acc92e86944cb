import { describe, expect, it } from 'vitest'
import type { ApiError } from '../../lib/api/api-error.js'
import { managedFieldsOf } from '../../lib/api/managed-fields/managed-entry.js'
import { type Anything, aTask, bodyOf, openRegistry, readObject, targetOf } from './fixtures/open-registry.js'
import type { ApplyOptions, RequestContext, Target } from './registry.js'

const merge = 'application/merge-patch+json'

/** A registry, and the writes that the tests are about, each by a named manager. */
async function open() {
  const fixture = await openRegistry()
  const by = (manager: string, overrides: Partial<RequestContext> = {}) =>
    fixture.as('admin', { fieldManager: manager, namesFieldManager: true, ...overrides })
  const apply = async (
    manager: string,
    object: object,
    {
      force = false,
      subresource = '' as Target['subresource'],
      assertMayCreate = () => {},
      ...overrides
    }: Partial<ApplyOptions & RequestContext & { subresource: Target['subresource'] }> = {},
  ) => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', ...object } as Anything
    const target = targetOf(body.kind, body.metadata.name, subresource)
    const { object: stored, created } = await fixture.registry.apply(
      target,
      bodyOf(body),
      { force, assertMayCreate },
      by(manager, overrides),
    )
    return { ...readObject(stored), created } as Anything
  }
  const patch = async (manager: string, kind: string, name: string, body: object, subresource: Target['subresource'] = '') =>
    readObject((await fixture.registry.patch(targetOf(kind, name, subresource), merge, bodyOf(body), by(manager))).object)
  const create = async (manager: string, kind: string, body: object) =>
    readObject((await fixture.registry.create(targetOf(kind, '').kind, 'default', bodyOf(body), by(manager))).object)
  return { ...fixture, by, apply, patch, create }
}

const map = (data: Record<string, string> | undefined, metadata: object = {}) => ({
  metadata: { name: 'c', ...metadata },
  ...(data ? { data } : {}),
})

/** Each entry as one line: manager, operation, subresource, and its fields. */
const managers = (object: Anything) =>
  Object.fromEntries(
    managedFieldsOf(object).map(({ manager, operation, subresource, fieldsV1 }) => [
      [manager, operation, subresource].filter(Boolean).join(' '),
      fieldsV1,
    ]),
  )

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  try {
    await promise
  } catch (error) {
    return error as ApiError
  }
  throw new Error('it did not fail')
}

describe('apply', () => {
  it('creates what is absent, and records what was applied, without defaults', async () => {
    const { apply } = await open()
    const task = await apply('alice', aTask('t', { env: [{ name: 'A', value: '1' }] }))
    expect(task.created).toBe(true)
    expect(task.spec).toMatchObject({ restartPolicy: 'Never', env: [{ name: 'A', value: '1' }] })
    expect(task.metadata.managedFields).toEqual([
      {
        manager: 'alice',
        operation: 'Apply',
        apiVersion: 'millrace.dev/v1',
        time: task.metadata.creationTimestamp,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:command': {}, 'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } } } },
      },
    ])
  })

  it('asks whether the user may create, before it makes anything', async () => {
    const { apply, registry } = await open()
    const assertMayCreate = () => {
      throw new Error('no')
    }
    await expect(apply('alice', map({ a: '1' }), { assertMayCreate })).rejects.toThrow('no')
    expect(() => registry.get(targetOf('ConfigMap', 'c'))).toThrow('not found')
    await apply('alice', map({ a: '1' }))
    await expect(apply('alice', map({ a: '2' }), { assertMayCreate })).resolves.toMatchObject({ created: false, data: { a: '2' } })
  })

  it('changes nothing, not even a time, when it is repeated', async () => {
    const { apply, clock } = await open()
    const first = await apply('alice', map({ a: '1' }))
    clock.advance(60_000)
    const again = await apply('alice', map({ a: '1' }))
    expect({ ...again, created: true }).toEqual(first)
  })

  it('changes nothing when a configuration without any field is repeated', async () => {
    const { apply } = await open()
    const first = await apply('alice', map(undefined))
    expect({ ...(await apply('alice', map(undefined))), created: true }).toEqual(first)
  })

  it('removes what the manager applied before and does not apply now', async () => {
    const { apply } = await open()
    await apply('alice', map({ a: '1', b: '1' }, { labels: { x: 'y' } }))
    const after = await apply('alice', map({ a: '1' }))
    expect([after.data, after.metadata.labels]).toEqual([{ a: '1' }, undefined])
    expect(managers(after)).toEqual({ 'alice Apply': { 'f:data': { 'f:a': {} } } })
  })

  it('shares equal values, and keeps them until the last manager lets go', async () => {
    const { apply } = await open()
    await apply('alice', map({ a: '1' }))
    expect(Object.keys(managers(await apply('bob', map({ a: '1' }))))).toEqual(['alice Apply', 'bob Apply'])
    expect((await apply('alice', map(undefined))).data).toEqual({ a: '1' })
    expect((await apply('bob', map(undefined))).data).toBeUndefined()
  })

  it('names each manager whose field would change, and takes it only by force', async () => {
    const { apply, patch, clock } = await open()
    const alice = await apply('alice', map({ a: '1', b: '1', c: '1' }))
    clock.advance(60_000)
    await patch('bob', 'ConfigMap', 'c', { data: { b: '2' } })
    const error = await failure(apply('carol', map({ a: '3', b: '3' })))
    expect(error).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 2 conflicts: conflicts with "alice":\n- .data.a\nconflicts with "bob" using v1:\n- .data.b',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "alice"', field: '.data.a' },
          { reason: 'FieldManagerConflict', message: 'conflict with "bob" using v1', field: '.data.b' },
        ],
      },
    })
    const taken = await apply('carol', map({ a: '3', b: '3' }), { force: true })
    expect(taken.data).toEqual({ a: '3', b: '3', c: '1' })
    expect(managers(taken)).toEqual({ 'alice Apply': { 'f:data': { 'f:c': {} } }, 'carol Apply': { 'f:data': { 'f:a': {}, 'f:b': {} } } })
    expect(managedFieldsOf(taken)[0]?.time).toBe(alice.metadata.creationTimestamp)
    expect((await failure(apply('alice', map({ a: '1', c: '1' })))).message).toBe(
      'Apply failed with 1 conflict: conflict with "carol": .data.a',
    )
  })

  it('keeps the status apart from the rest', async () => {
    const { apply, patch } = await open()
    await apply('alice', aTask('t'))
    const ignored = await apply('alice', { ...aTask('t'), status: { phase: 'Failed' } })
    expect(ignored.status.phase).toBe('Pending')
    await patch('agent', 'Task', 't', { status: { phase: 'Running', restarts: 1 } }, 'status')
    const refused = await failure(apply('carol', { ...aTask('t'), status: { restarts: 2 } }, { subresource: 'status' }))
    expect(refused.message).toBe(
      'Apply failed with 1 conflict: conflict with "agent" with subresource "status" using millrace.dev/v1: .status.restarts',
    )
    const shared = await apply('carol', { ...aTask('t', { suspend: true }), status: { restarts: 1 } }, { subresource: 'status' })
    expect(shared.spec.suspend).toBe(false)
    expect(managers(shared)).toEqual({
      'alice Apply': { 'f:spec': { 'f:command': {} } },
      'agent Update status': { 'f:status': { 'f:phase': {}, 'f:restarts': {} } },
      'carol Apply status': { 'f:status': { 'f:restarts': {} } },
    })
    expect(shared.metadata.generation).toBe(1)
    expect(await failure(apply('carol', { ...aTask('none'), status: {} }, { subresource: 'status' }))).toMatchObject({ code: 404 })
  })

  it('merges list maps by their keys and sets by their values, and replaces other lists', async () => {
    const { apply } = await open()
    const owned = (uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid })
    const node = (spec: object, metadata: object) => ({ kind: 'Node', metadata: { name: 'n', ...metadata }, spec })
    const taints = (key: string) => [{ key, effect: 'NoSchedule' }]
    await apply('alice', node({ taints: taints('a') }, { finalizers: ['a.io/x', 'c.io/x'], ownerReferences: [owned('1')] }))
    const both = await apply('bob', node({}, { finalizers: ['b.io/x', 'c.io/x'], ownerReferences: [owned('2')] }))
    expect(both.spec).toEqual({ taints: taints('a') })
    expect(both.metadata.finalizers).toEqual(['a.io/x', 'b.io/x', 'c.io/x'])
    expect(both.metadata.ownerReferences).toHaveLength(2)
    expect((await failure(apply('bob', node({ taints: taints('b') }, {})))).message).toContain(': .spec.taints')
    const left = await apply('alice', node({}, { finalizers: ['d.io/x'], ownerReferences: [owned('1')] }))
    expect(left.spec).toEqual({})
    expect(left.metadata.finalizers).toEqual(['b.io/x', 'c.io/x', 'd.io/x'])
  })

  it('names the item of a list map in a conflict', async () => {
    const { apply } = await open()
    const node = (address: string) => ({ kind: 'Node', metadata: { name: 'n' }, status: { addresses: [{ type: 'Hostname', address }] } })
    await apply('alice', node('a'))
    await apply('alice', node('a'), { subresource: 'status' })
    expect((await failure(apply('bob', node('b'), { subresource: 'status' }))).message).toBe(
      'Apply failed with 1 conflict: conflict with "alice" with subresource "status": .status.addresses[type="Hostname"].address',
    )
  })

  it('lets a default come back where an applied value goes', async () => {
    const { apply } = await open()
    await apply('alice', aTask('t', { priority: 7 }))
    expect((await apply('alice', aTask('t'))).spec.priority).toBe(0)
  })

  it('takes null for a field that is not applied', async () => {
    const { apply } = await open()
    await apply('alice', aTask('t', { tolerations: [{ operator: 'Exists' }] }))
    expect((await apply('alice', aTask('t', { tolerations: null }))).spec.tolerations).toBeUndefined()
  })

  it('applies stringData of a Secret as the data that it is', async () => {
    const { apply } = await open()
    const secret = (stringData: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData })
    await apply('alice', secret({ a: 'x', b: 'x' }))
    const after = await apply('alice', secret({ a: 'x' }))
    expect([after.data, after.stringData]).toEqual([{ a: 'eA==' }, undefined])
  })

  it('validates what comes of it, in a dry run too, which stores nothing', async () => {
    const { apply, registry } = await open()
    expect(await failure(apply('alice', aTask('t', { command: 3 })))).toMatchObject({ code: 422 })
    await apply('alice', aTask('t'))
    expect(await failure(apply('alice', aTask('t', { env: 'A=1' }), { dryRun: true }))).toMatchObject({ code: 422 })
    const dry = await apply('alice', aTask('t', { suspend: true }), { dryRun: true })
    expect(dry.spec.suspend).toBe(true)
    expect(readObject(registry.get(targetOf('Task', 't'))).spec.suspend).toBe(false)
  })

  it.each<[string, object, number, string]>([
    ['another version', { apiVersion: 'v2' }, 400, 'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1'],
    ['another kind', { kind: 'Secret', target: 'ConfigMap' }, 400, 'does not match the expected kind'],
    ['no version', { apiVersion: null }, 400, 'must have apiVersion and kind'],
    ['managedFields', { metadata: { name: 'c', managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
    ['no name', { metadata: {} }, 400, 'must have metadata.name'],
    ['another name', { metadata: { name: 'd' } }, 400, 'does not match the name on the URL'],
    ['a uid of nothing', { metadata: { name: 'new', uid: 'u' } }, 409, 'uid mismatch'],
    ['a revision of nothing', { metadata: { name: 'new', resourceVersion: '3' } }, 409, 'the object has been modified'],
    ['another uid', { metadata: { name: 'c', uid: 'u' } }, 409, 'Precondition failed'],
    ['an old revision', { metadata: { name: 'c', resourceVersion: '1' } }, 409, 'the object has been modified'],
    ['an unknown field', { metadata: { name: 'c' }, dat: {} }, 400, '.dat: field not declared in schema'],
    [
      'two unknown fields',
      { metadata: { name: 'c' }, dat: {}, spec: {} },
      400,
      'errors:\n  .dat: field not declared in schema\n  .spec: field',
    ],
  ])('refuses %s', async (_what, change, code, message) => {
    const { apply, registry, by } = await open()
    await apply('alice', map({ a: '1' }))
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, ...change }
    const name = (body.metadata as { name?: string }).name === 'new' ? 'new' : 'c'
    const options = { force: false, assertMayCreate: () => {} }
    const error = await failure(
      registry.apply(targetOf('ConfigMap', name), bodyOf(body), options, by('alice', { fieldValidation: 'Strict' })),
    )
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
  })
})

describe('fields of objects that nobody has applied', () => {
  it('are recorded from a creation that names its manager, and moved by every later write', async () => {
    const { create, patch, registry, admin, clock } = await open()
    const created = await create('alice', 'ConfigMap', map({ a: '1', b: '1' }, { labels: { x: 'y' } }))
    expect(managers(created)).toEqual({
      'alice Update': { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } } },
    })
    clock.advance(60_000)
    const patched = await patch('bob', 'ConfigMap', 'c', { data: { b: '2', c: '2' } })
    expect(managers(patched)).toEqual({
      'alice Update': { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } } },
      'bob Update': { 'f:data': { 'f:b': {}, 'f:c': {} } },
    })
    expect(managedFieldsOf(patched)[0]?.time).toBe(created.metadata.creationTimestamp)
    const put = await registry.update(targetOf('ConfigMap', 'c'), bodyOf({ metadata: { name: 'c' }, data: { c: '2' } }), admin)
    expect(managers(readObject(put.object))).toEqual({
      'alice Update': { 'f:data': {} },
      'bob Update': { 'f:data': { 'f:c': {} } },
    })
  })

  it('are not recorded of a creation that names none, until the first apply', async () => {
    const { registry, admin, patch, apply } = await open()
    await registry.create(targetOf('ConfigMap', '').kind, 'default', bodyOf(map({ a: '1', b: '1' })), admin)
    expect((await patch('bob', 'ConfigMap', 'c', { data: { b: '2' } })).metadata.managedFields).toBeUndefined()
    expect((await failure(apply('alice', map({ a: '2' })))).message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
    )
    expect(managers(await apply('alice', map({ a: '1' })))).toEqual({
      'alice Apply': { 'f:data': { 'f:a': {} } },
      'before-first-apply Update': { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } },
    })
  })

  it('keep at most ten entries of updates: the oldest become one', async () => {
    const { create, patch, clock } = await open()
    await create('m0', 'ConfigMap', map({ a: '0' }))
    let last: Anything | undefined
    for (let index = 1; index <= 13; index++) {
      clock.advance(60_000)
      last = await patch(`m${index}`, 'ConfigMap', 'c', { data: { [`k${index}`]: 'x' } })
    }
    const names = last && managedFieldsOf(last).map((entry) => entry.manager)
    expect(names).toEqual(['ancient-changes', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11', 'm12', 'm13'])
    expect(Object.keys((last && managedFieldsOf(last)[0]?.fieldsV1['f:data']) ?? {})).toEqual(['.', 'f:a', 'f:k1', 'f:k2', 'f:k3', 'f:k4'])
  })
})

describe('managedFields in a body', () => {
  const entry = { manager: 'zoe', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } }

  it.each([[[]], [[{}]]])('%j forgets them all', async (managedFields) => {
    const { apply, patch } = await open()
    await apply('alice', map({ a: '1' }))
    expect((await patch('bob', 'ConfigMap', 'c', { metadata: { managedFields } })).metadata.managedFields).toBeUndefined()
  })

  it('are taken as they are; left out, they stay', async () => {
    const { apply, patch, registry, by } = await open()
    await apply('alice', map({ a: '1' }))
    expect(managers(await patch('bob', 'ConfigMap', 'c', { metadata: { managedFields: [entry] } }))).toEqual({
      'zoe Apply': entry.fieldsV1,
    })
    const put = await registry.update(targetOf('ConfigMap', 'c'), bodyOf(map({ a: '1' })), by('bob'))
    expect(managers(readObject(put.object))).toEqual({ 'zoe Apply': entry.fieldsV1 })
  })

  it('count for nothing through a subresource', async () => {
    const { apply, patch } = await open()
    await apply('alice', aTask('t'))
    const after = await patch('bob', 'Task', 't', { metadata: { managedFields: [{}] }, status: { restarts: 1 } }, 'status')
    expect(Object.keys(managers(after))).toEqual(['alice Apply', 'bob Update status'])
  })

  it.each([
    ['operation', { operation: 'Create' }, 'metadata.managedFields[0].operation: Invalid value: "Create": must be `Apply` or `Update`'],
    ['fieldsType', { fieldsType: 'FieldsV2' }, 'metadata.managedFields[0].fieldsType'],
    ['manager', { manager: 'a'.repeat(129) }, 'metadata.managedFields[0].manager: Too long'],
    ['manager with a line break', { manager: 'a\nb' }, 'metadata.managedFields[0].manager'],
    ['subresource', { subresource: 'a'.repeat(257) }, 'metadata.managedFields[0].subresource: Too long'],
    ['fields', { fieldsV1: { data: {} } }, 'metadata.managedFields[0].fieldsV1'],
    ['fields that are no objects', { fieldsV1: { 'f:data': 3 } }, 'metadata.managedFields[0].fieldsV1'],
  ])('are refused for a wrong %s', async (_what, change, message) => {
    const { apply, patch } = await open()
    await apply('alice', map({ a: '1' }))
    const error = await failure(patch('bob', 'ConfigMap', 'c', { metadata: { managedFields: [{ ...entry, ...change }] } }))
    expect(error).toMatchObject({ code: 422, message: expect.stringContaining(message) })
  })
})

describe('an object that kubectl applied client-side', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const manifest = (data: Record<string, string>) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...map(data) })
  const applied = (data: Record<string, string>) => map(data, { annotations: { [annotation]: `${JSON.stringify(manifest(data))}\n` } })
  const afterClientSide = async (): Promise<Awaited<ReturnType<typeof open>>> => {
    const fixture = await open()
    await fixture.create('kubectl-client-side-apply', 'ConfigMap', applied({ a: '1', b: '1' }))
    return fixture
  }

  it('may be changed by kubectl without a conflict, where it still is as the manifest said', async () => {
    const { apply, patch } = await afterClientSide()
    expect((await apply('kubectl', map({ a: '2', b: '1' }))).data).toEqual({ a: '2', b: '1' })
    expect((await failure(apply('other', map({ a: '3' })))).message).toContain('conflict with "kubectl"')
    await patch('bob', 'ConfigMap', 'c', { data: { b: '2' } })
    expect((await failure(apply('kubectl', map({ a: '2', b: '3' })))).message).toContain('conflict with "bob" using v1: .data.b')
  })

  it('keeps its annotation up to date, so that client-side apply may go on', async () => {
    const { apply } = await afterClientSide()
    const after = await apply('kubectl', map({ a: '2' }))
    expect(JSON.parse(after.metadata.annotations?.[annotation] ?? '')).toEqual({ ...manifest({ a: '2' }) })
    expect((await apply('kubectl', map({ a: '2' }))).metadata.resourceVersion).toBe(after.metadata.resourceVersion)
  })

  it('is told apart, where nothing was tracked, from what others have', async () => {
    const { apply, registry, admin, patch } = await open()
    await registry.create(targetOf('ConfigMap', '').kind, 'default', bodyOf(applied({ a: '1', b: '1' })), admin)
    await patch('bob', 'ConfigMap', 'c', { data: { b: '2', x: '2' } })
    expect(managers(await apply('alice', map({ n: '1' })))).toEqual({
      'alice Apply': { 'f:data': { 'f:n': {} } },
      'before-first-apply Update': { 'f:data': { '.': {}, 'f:b': {}, 'f:x': {} }, 'f:metadata': { 'f:annotations': {} } },
      'kubectl-client-side-apply Update': {
        'f:data': { 'f:a': {} },
        'f:metadata': { 'f:annotations': { [`f:${annotation}`]: {} } },
      },
    })
  })

  it.each(['no JSON', '[]', '[[['.repeat(10_000)])('is treated as any other when the annotation says nothing: %.10s', async (text) => {
    const { apply, create } = await open()
    await create('kubectl-client-side-apply', 'ConfigMap', map({ a: '1' }, { annotations: { [annotation]: text } }))
    expect((await failure(apply('kubectl', map({ a: '2' })))).message).toContain('"kubectl-client-side-apply" using v1: .data.a')
  })
})
