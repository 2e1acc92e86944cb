import { beforeEach, describe, expect, it } from 'vitest'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, readObject, targetOf } from './fixtures/open-registry.js'

const merge = 'application/merge-patch+json'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry()
})

async function createTask(name: string, spec = {}, metadata = {}) {
  const { object } = await fixture.registry.create(kindOf('Task'), 'default', bodyOf(aTask(name, spec, metadata)), fixture.admin)
  return readObject(object)
}

describe('create', () => {
  it('sets what belongs to the server and answers the stored bytes', async () => {
    const { object } = await fixture.registry.create(
      kindOf('Task'),
      'default',
      bodyOf(aTask('a', {}, { uid: 'mine', creationTimestamp: null, generation: 7, managedFields: [{}], labels: {} })),
      fixture.admin,
    )
    const task = readObject(object)
    expect(task.metadata).toMatchObject({ name: 'a', namespace: 'default', generation: 1, resourceVersion: String(object.revision) })
    expect(task.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(task.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Object.keys(task.metadata)).not.toContain('managedFields')
    expect(Object.keys(task.metadata)).not.toContain('labels')
    expect(task.status).toEqual({ phase: 'Pending' })
    expect(task.spec.restartPolicy).toBe('Never')
    expect(object.bytes.toString()).toMatch(
      /^\{"apiVersion":"millrace.dev\/v1","kind":"Task","metadata":\{"resourceVersion":"\d+","name":"a"/,
    )
    expect(fixture.registry.get(targetOf('Task', 'a')).bytes).toEqual(object.bytes)
  })

  it('drops a status that the client sends', async () => {
    const body = bodyOf({ ...aTask('a'), status: { phase: 'Succeeded' } })
    const { object } = await fixture.registry.create(kindOf('Task'), 'default', body, fixture.admin)
    expect(readObject(object).status).toEqual({ phase: 'Pending' })
  })

  it.each([
    ['a second object of the name', aTask('taken'), 409, 'tasks.millrace.dev "taken" already exists'],
    ['a resourceVersion', aTask('a', {}, { resourceVersion: '1' }), 400, 'resourceVersion should not be set on objects to be created'],
    ['another apiVersion', { ...aTask('a'), apiVersion: 'v1' }, 400, /API version in the data \(v1\)/],
    ['another kind', { ...aTask('a'), kind: 'Node' }, 400, /kind in the data \(Node\)/],
    ['another namespace', aTask('a', {}, { namespace: 'kube-system' }), 400, /namespace of the provided object/],
    ['no name', aTask(''), 422, /metadata.name: Required value/],
    ['a bad name', aTask('A_b'), 422, /metadata.name: Invalid value: "A_b"/],
    ['a list', [], 400, 'the body must be an object'],
    ['metadata that is no object', { metadata: 'x' }, 400, 'metadata must be an object'],
    ['a spec that is no object', { ...aTask('a'), spec: 'x' }, 422, /spec in body must be of type object: "string"/],
    ['a nodeName that is no string', aTask('a', { nodeName: { a: 1 } }), 422, /spec.nodeName in body must be of type string: "object"/],
    ['finalizers that are no list', aTask('a', {}, { finalizers: 'x' }), 422, /metadata.finalizers in body must be of type array/],
  ])('refuses %s', async (_what, manifest, code, message) => {
    await createTask('taken')
    const creation = fixture.registry.create(kindOf('Task'), 'default', bodyOf(manifest), fixture.admin)
    await expect(creation).rejects.toMatchObject({ code, message: typeof message === 'string' ? message : expect.stringMatching(message) })
  })

  it('refuses a namespace that is missing with 404 and one that ends with 403', async () => {
    const into = (namespace: string) => fixture.registry.create(kindOf('Task'), namespace, bodyOf(aTask('a')), fixture.admin)
    await expect(into('nowhere')).rejects.toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' })
    await fixture.registry.create(kindOf('Namespace'), '', bodyOf({ metadata: { name: 'ending' } }), fixture.admin)
    await fixture.registry.delete(targetOf('Namespace', 'ending'), {}, fixture.admin)
    await expect(into('ending')).rejects.toMatchObject({ code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } })
  })

  it('makes names from generateName and tries again when one is taken', async () => {
    const draws = [...Array(5).fill(0), ...Array(5).fill(0), ...Array(5).fill(0.5)]
    fixture = await openRegistry({ random: () => draws.shift() ?? 0 })
    const generated = () =>
      fixture.registry.create(kindOf('Task'), 'default', bodyOf({ ...aTask(''), metadata: { generateName: 'a-' } }), fixture.admin)
    expect(readObject((await generated()).object).metadata.name).toBe('a-bbbbb')
    expect(readObject((await generated()).object).metadata.name).not.toBe('a-bbbbb')
    await expect(generated()).rejects.toMatchObject({ code: 409, reason: 'AlreadyExists' })
  })

  it('stores nothing in a dry run', async () => {
    const before = fixture.store.revision
    const context = fixture.as('admin', { dryRun: true })
    const { object } = await fixture.registry.create(kindOf('Task'), 'default', bodyOf(aTask('a')), context)
    expect(readObject(object).spec.restartPolicy).toBe('Never')
    expect(fixture.store.revision).toBe(before)
    expect(() => fixture.registry.get(targetOf('Task', 'a'))).toThrow('tasks.millrace.dev "a" not found')
  })
})

describe('update', () => {
  it('bumps the generation when the desired state changes, and only then', async () => {
    const task = await createTask('a')
    const labelled = { ...task, metadata: { ...task.metadata, labels: { app: 'x' } } }
    const first = readObject((await fixture.registry.update(targetOf('Task', 'a'), bodyOf(labelled), fixture.admin)).object)
    expect(first.metadata).toMatchObject({ generation: 1, labels: { app: 'x' } })
    const suspended = { ...first, spec: { ...first.spec, suspend: true } }
    const second = readObject((await fixture.registry.update(targetOf('Task', 'a'), bodyOf(suspended), fixture.admin)).object)
    expect(second.metadata.generation).toBe(2)
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
  })

  it('takes no revision when nothing differs, whatever the order of the fields', async () => {
    const task = await createTask('a', {}, { labels: { a: '1', b: '2' } })
    const before = fixture.store.revision
    const reordered = { ...task, metadata: { ...task.metadata, labels: { b: '2', a: '1' }, annotations: {} } }
    const { object } = await fixture.registry.update(targetOf('Task', 'a'), bodyOf(reordered), fixture.admin)
    expect(fixture.store.revision).toBe(before)
    expect(readObject(object)).toEqual(task)
  })

  it.each([
    [
      'a stale resourceVersion',
      { resourceVersion: '1' },
      409,
      /the object has been modified; please apply your changes to the latest version/,
    ],
    ['another uid', { uid: 'other' }, 409, /UID in precondition: other/],
    ['another name', { name: 'b' }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [
      'no resourceVersion, for a kind of our own',
      { resourceVersion: '' },
      422,
      /metadata.resourceVersion: Invalid value: 0: must be specified for an update/,
    ],
  ])('refuses %s', async (_what, change, code, message) => {
    const task = await createTask('a')
    const update = fixture.registry.update(
      targetOf('Task', 'a'),
      bodyOf({ ...task, metadata: { ...task.metadata, ...change } }),
      fixture.admin,
    )
    await expect(update).rejects.toMatchObject({ code, message: typeof message === 'string' ? message : expect.stringMatching(message) })
  })

  it('of what is not there says so, with a resourceVersion or without', async () => {
    const absent = (resourceVersion: string) =>
      fixture.registry.update(targetOf('Task', 'a'), bodyOf(aTask('a', {}, { resourceVersion })), fixture.admin)
    for (const resourceVersion of ['', '1']) await expect(absent(resourceVersion)).rejects.toMatchObject({ code: 404, reason: 'NotFound' })
  })

  it('keeps the status on the object and everything else on the subresource', async () => {
    const task = await createTask('a')
    const wanted = { ...task, spec: { ...task.spec, suspend: true }, status: { phase: 'Running', restarts: 2 } }
    const status = readObject((await fixture.registry.update(targetOf('Task', 'a', 'status'), bodyOf(wanted), fixture.admin)).object)
    expect(status.status).toEqual({ phase: 'Running', restarts: 2 })
    expect(status.spec.suspend).toBe(false)
    expect(status.metadata.generation).toBe(1)
    const main = { ...status, spec: { ...status.spec, suspend: true }, status: { phase: 'Failed' } }
    const updated = readObject((await fixture.registry.update(targetOf('Task', 'a'), bodyOf(main), fixture.admin)).object)
    expect(updated.status).toEqual({ phase: 'Running', restarts: 2 })
    expect(updated.spec.suspend).toBe(true)
  })

  it('replaces standard kinds without a resourceVersion, and makes a Lease that is absent', async () => {
    const configMap = { metadata: { name: 'c' }, data: { a: '1' } }
    await expect(fixture.registry.update(targetOf('ConfigMap', 'c'), bodyOf(configMap), fixture.admin)).rejects.toMatchObject({ code: 404 })
    await fixture.registry.create(kindOf('ConfigMap'), 'default', bodyOf(configMap), fixture.admin)
    const changed = await fixture.registry.update(targetOf('ConfigMap', 'c'), bodyOf({ ...configMap, data: { a: '2' } }), fixture.admin)
    expect(readObject(changed.object).data).toEqual({ a: '2' })
    const lease = await fixture.registry.update(targetOf('Lease', 'l'), bodyOf({ spec: { holderIdentity: 'me' } }), fixture.admin)
    expect(lease.created).toBe(true)
    expect(readObject(lease.object).metadata.name).toBe('l')
  })
})

describe('merge patch', () => {
  it('is worked out on the state at its turn, so that patches at once are all kept', async () => {
    await createTask('a')
    await Promise.all(
      ['x', 'y', 'z'].map((key) =>
        fixture.registry.patch(targetOf('Task', 'a'), merge, bodyOf({ metadata: { labels: { [key]: '1' } } }), fixture.admin),
      ),
    )
    expect(readObject(fixture.registry.get(targetOf('Task', 'a'))).metadata.labels).toEqual({ x: '1', y: '1', z: '1' })
  })

  it.each([
    ['a missing object', 'b', {}, 404, /"b" not found/],
    ['a stale resourceVersion', 'a', { metadata: { resourceVersion: '1' } }, 409, /has been modified/],
    ['another name', 'a', { metadata: { name: 'b' } }, 422, /metadata.name: Invalid value: "b": field is immutable/],
    ['an invalid result', 'a', { spec: { priority: 'high' } }, 422, /spec.priority in body must be of type integer: "string"/],
    ['what may not change', 'a', { spec: { command: ['false'] } }, 422, /spec.command: Forbidden/],
    ['a binding by hand', 'a', { spec: { nodeName: 'n1' } }, 422, /spec.nodeName: Forbidden: set by the binding subresource/],
  ])('refuses %s', async (_what, name, patch, code, message) => {
    await createTask('a')
    const patching = fixture.registry.patch(targetOf('Task', name), merge, bodyOf(patch), fixture.admin)
    await expect(patching).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('delete', () => {
  it('removes an object without finalizers at once', async () => {
    await createTask('a')
    const { gone, object } = await fixture.registry.delete(targetOf('Task', 'a'), {}, fixture.admin)
    expect(gone).toBe(true)
    expect(readObject(object).metadata.resourceVersion).toBe(String(fixture.store.revision))
    await expect(fixture.registry.delete(targetOf('Task', 'a'), {}, fixture.admin)).rejects.toMatchObject({ code: 404 })
  })

  it('waits for finalizers; the write that removes the last one removes the object', async () => {
    await createTask('a', {}, { finalizers: ['x.dev/a', 'x.dev/b'] })
    const { gone, object } = await fixture.registry.delete(targetOf('Task', 'a'), {}, fixture.admin)
    expect(gone).toBe(false)
    expect(readObject(object).metadata).toMatchObject({
      generation: 2,
      deletionGracePeriodSeconds: 30,
      deletionTimestamp: expect.any(String),
    })
    const again = await fixture.registry.delete(targetOf('Task', 'a'), {}, fixture.admin)
    expect(again.object.revision).toBe(object.revision)
    const patch = (finalizers: string[]) =>
      fixture.registry.patch(targetOf('Task', 'a'), merge, bodyOf({ metadata: { finalizers } }), fixture.admin)
    await expect(patch(['x.dev/a', 'x.dev/c'])).rejects.toMatchObject({ code: 422, message: expect.stringContaining('no new finalizers') })
    await patch(['x.dev/b'])
    await patch([])
    expect(() => fixture.registry.get(targetOf('Task', 'a'))).toThrow('not found')
  })

  it('marks the object for the garbage collector by the propagation policy, and the last policy counts', async () => {
    await createTask('a')
    const finalizers = async (propagationPolicy: 'Orphan' | 'Foreground') =>
      readObject((await fixture.registry.delete(targetOf('Task', 'a'), { propagationPolicy }, fixture.admin)).object).metadata.finalizers
    expect(await finalizers('Orphan')).toEqual(['orphan'])
    expect(await finalizers('Foreground')).toEqual(['foregroundDeletion'])
    expect((await fixture.registry.delete(targetOf('Task', 'a'), { propagationPolicy: 'Background' }, fixture.admin)).gone).toBe(true)
  })

  it('holds preconditions against the state at its turn', async () => {
    const task = await createTask('a')
    const remove = (preconditions: { uid?: string; resourceVersion?: string }) =>
      fixture.registry.delete(targetOf('Task', 'a'), { preconditions }, fixture.admin)
    await expect(remove({ uid: 'other' })).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('the UID in the precondition (other)'),
    })
    await expect(remove({ resourceVersion: '1' })).rejects.toMatchObject({ code: 409 })
    expect((await remove({ uid: task.metadata.uid, resourceVersion: task.metadata.resourceVersion })).gone).toBe(true)
  })
})

describe('namespaces', () => {
  it('go only when finalize has removed the content finalizer', async () => {
    const { object } = await fixture.registry.create(kindOf('Namespace'), '', bodyOf({ metadata: { name: 'n' } }), fixture.admin)
    expect(readObject(object)).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
    const deleted = readObject((await fixture.registry.delete(targetOf('Namespace', 'n'), {}, fixture.admin)).object)
    expect(deleted.status.phase).toBe('Terminating')
    await fixture.registry.update(targetOf('Namespace', 'n'), bodyOf({ ...deleted, spec: { finalizers: [] } }), fixture.admin)
    expect(fixture.registry.get(targetOf('Namespace', 'n')).revision).toBe(Number(deleted.metadata.resourceVersion))
    await fixture.registry.update(targetOf('Namespace', 'n', 'finalize'), bodyOf({ ...deleted, spec: { finalizers: [] } }), fixture.admin)
    expect(() => fixture.registry.get(targetOf('Namespace', 'n'))).toThrow('namespaces "n" not found')
  })

  it('of the system are protected', async () => {
    await expect(fixture.registry.delete(targetOf('Namespace', 'default'), {}, fixture.admin)).rejects.toMatchObject({ code: 403 })
  })
})

describe('bind', () => {
  beforeEach(async () => {
    await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name: 'n1' } }), fixture.admin)
  })
  const bind = (...bindings: { name: string; nodeName?: string; uid?: string }[]) =>
    fixture.registry.bind(
      kindOf('Task'),
      bindings.map((binding) => ({ namespace: 'default', nodeName: 'n1', ...binding })),
      fixture.as('system:scheduler'),
    )

  it('sets the node, the finalizer, the condition and the phase, once', async () => {
    await createTask('a')
    expect(await bind({ name: 'a' })).toEqual([{ namespace: 'default', name: 'a' }])
    const task = readObject(fixture.registry.get(targetOf('Task', 'a')))
    expect(task.spec.nodeName).toBe('n1')
    expect(task.metadata.finalizers).toEqual(['millrace.dev/node-cleanup'])
    expect(task.status).toMatchObject({ phase: 'Assigned', conditions: [{ type: 'Scheduled', status: 'True' }] })
    expect(fixture.registry.get(targetOf('Task', 'a')).facets.fields['spec.nodeName']).toBe('n1')
    expect(await bind({ name: 'a' })).toMatchObject([{ error: { code: 409, reason: 'Conflict' } }])
  })

  it('of many at once shares the batches of the store', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `t${index}`)
    await Promise.all(names.map((name) => createTask(name)))
    let commits = 0
    const stop = fixture.store.onCommit(() => commits++)
    const results = await bind(...names.map((name) => ({ name })))
    stop()
    expect(results.filter(({ error }) => error)).toEqual([])
    expect(commits).toBeLessThanOrEqual(2)
  })

  it('answers each of many on its own', async () => {
    await createTask('a')
    await createTask('b')
    const results = await bind({ name: 'a' }, { name: 'b', uid: 'other' }, { name: 'b', nodeName: 'n9' }, { name: 'missing' })
    expect(results.map((result) => result.error?.code)).toEqual([undefined, 409, 404, 404])
    await expect(fixture.registry.bind(kindOf('Node'), [], fixture.admin)).rejects.toMatchObject({ code: 400 })
  })

  it('happens at creation when the manifest names the node', async () => {
    const task = await createTask('a', { nodeName: 'n1' })
    expect(task.status.phase).toBe('Assigned')
    expect(task.metadata.finalizers).toEqual(['millrace.dev/node-cleanup'])
  })

  it('is undone by the controller-manager alone, guarded, and that begins the next attempt', async () => {
    await createTask('a')
    await bind({ name: 'a' })
    const { resourceVersion } = readObject(fixture.registry.get(targetOf('Task', 'a'))).metadata
    const unbind = (user: string, metadata = {}) =>
      fixture.registry.patch(targetOf('Task', 'a'), merge, bodyOf({ metadata, spec: { nodeName: null } }), fixture.as(user))
    await expect(unbind('admin', { resourceVersion })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.nodeName: Forbidden'),
    })
    await expect(unbind('system:controller-manager')).rejects.toMatchObject({ code: 422 })
    const task = readObject((await unbind('system:controller-manager', { resourceVersion })).object)
    expect(task.spec.nodeName).toBeUndefined()
    expect(task.metadata.finalizers).toBeUndefined()
    expect(task.status).toMatchObject({ phase: 'Pending', attempt: 1 })
    expect((await bind({ name: 'a' }))[0]?.error).toBeUndefined()
  })
})

describe('an immutable ConfigMap that is written back', () => {
  it('counts as unchanged whatever the order of its keys', async () => {
    const configMap = (data: object) => bodyOf({ metadata: { name: 'a' }, immutable: true, data })
    await fixture.registry.create(kindOf('ConfigMap'), 'default', configMap({ x: '1', y: '2' }), fixture.admin)
    const { object } = await fixture.registry.update(targetOf('ConfigMap', 'a'), configMap({ y: '2', x: '1' }), fixture.admin)
    expect(readObject(object).data).toEqual({ x: '1', y: '2' })
  })
})

describe('a Task that is written back', () => {
  it('counts as unchanged whatever the order of its members', async () => {
    const task = await createTask('a', { env: [{ name: 'A', value: 'b' }], resources: { requests: { cpu: '1', memory: '1Gi' } } })
    task.spec.env = [{ value: 'b', name: 'A' }]
    task.spec.resources = { requests: { memory: '1Gi', cpu: '1' } }
    task.metadata.labels = { x: 'y' }
    const { object } = await fixture.registry.update(targetOf('Task', 'a'), bodyOf(task), fixture.admin)
    expect(readObject(object).metadata).toMatchObject({ labels: { x: 'y' }, generation: 1 })
  })

  it('keeps a quantity beyond 2^53 exact', async () => {
    await createTask('a', { resources: { requests: { memory: 2n ** 53n + 1n } } })
    const { object } = await fixture.registry.patch(
      targetOf('Task', 'a'),
      merge,
      bodyOf({ metadata: { labels: { x: 'y' } } }),
      fixture.admin,
    )
    expect(object.bytes.toString()).toContain('"memory":9007199254740993')
  })
})
