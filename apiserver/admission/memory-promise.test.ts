import { beforeEach, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { createRegistry } from '../registry/create-registry.js'
import { aTask, bodyOf, kindOf, openRegistry, type RegistryFixture, targetOf } from '../registry/fixtures/open-registry.js'
import type { Registry } from '../registry/registry.js'
import { admitMemoryPromise } from './memory-promise.js'

const merge = 'application/merge-patch+json'
let fixture: RegistryFixture
let registry: Registry

/** A registry with the rule, as a newly started server would have it. */
const serve = () =>
  createRegistry({
    store: fixture.store,
    kinds: builtinKinds,
    clock: fixture.clock,
    admission: [admitMemoryPromise(fixture.store, builtinKinds)],
  })

beforeEach(async () => {
  fixture = await openRegistry()
  registry = serve()
  for (const name of ['n1', 'n2']) {
    await registry.create(kindOf('Node'), '', bodyOf({ metadata: { name } }), fixture.admin)
    await registry.patch(targetOf('Node', name, 'status'), merge, bodyOf({ status: { allocatable: { memory: '10Gi' } } }), fixture.admin)
  }
})

const createTask = (name: string, memory: string, nodeName?: string) =>
  registry.create(
    kindOf('Task'),
    'default',
    bodyOf(aTask(name, { resources: { requests: { memory } }, ...(nodeName ? { nodeName } : {}) })),
    fixture.admin,
  )
const bind = (names: string[], nodeName = 'n1', context = fixture.admin) =>
  registry.bind(
    kindOf('Task'),
    names.map((name) => ({ namespace: 'default', name, nodeName })),
    context,
  )
const setPhase = (name: string, phase: string) =>
  registry.patch(targetOf('Task', name, 'status'), merge, bodyOf({ status: { phase } }), fixture.admin)
const errorsOf = async (results: ReturnType<typeof bind>) => (await results).map(({ error }) => error?.message)
const lacks = (name: string, asked: string, free: string) =>
  `Operation cannot be fulfilled on tasks.millrace.dev "${name}": node n1 lacks memory (asks ${asked}, ${free} free)`

describe('memory is promised once', () => {
  it('to the byte, within one batch of bindings', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await createTask(name, name === 'd' ? '1Gi' : '3Gi')
    expect(await errorsOf(bind(['a', 'b', 'c', 'd']))).toEqual([undefined, undefined, undefined, undefined])
    await createTask('e', '1')
    expect(await errorsOf(bind(['e']))).toEqual([lacks('e', '1', '0')])
  })

  it('among bindings that race in one batch and over several', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`)
    for (const name of names) await createTask(name, '3Gi')
    const results = (await Promise.all(names.map((name) => bind([name])))).flat()
    expect(results.filter(({ error }) => !error)).toHaveLength(3)
    expect(results.filter(({ error }) => error?.reason === 'Conflict')).toHaveLength(17)
  })

  it('to a workload that is born bound, too', async () => {
    await createTask('a', '8Gi', 'n1')
    await expect(createTask('b', '3Gi', 'n1')).rejects.toMatchObject({ code: 409, message: lacks('b', '3Gi', '2Gi') })
    await createTask('b', '3Gi', 'n2')
  })

  it('and is free again when the workload has ended, or is gone', async () => {
    for (const name of ['a', 'b', 'c']) await createTask(name, '10Gi')
    await bind(['a'])
    await setPhase('a', 'Running')
    expect(await errorsOf(bind(['b']))).toEqual([lacks('b', '10Gi', '0')])
    await setPhase('a', 'Failed')
    expect(await errorsOf(bind(['b']))).toEqual([undefined])
    await registry.patch(targetOf('Task', 'b'), merge, bodyOf({ metadata: { finalizers: null } }), fixture.admin)
    await registry.delete(targetOf('Task', 'b'), {}, fixture.admin)
    expect(await errorsOf(bind(['c']))).toEqual([undefined])
  })

  it('also after a restart', async () => {
    for (const name of ['a', 'b']) await createTask(name, '6Gi')
    await bind(['a'])
    registry = serve()
    expect(await errorsOf(bind(['b']))).toEqual([lacks('b', '6Gi', '4Gi')])
  })

  it('whatever dry runs asked before', async () => {
    for (const name of ['a', 'b']) await createTask(name, '6Gi')
    expect(await errorsOf(bind(['a'], 'n1', fixture.as('admin', { dryRun: true })))).toEqual([undefined])
    expect(await errorsOf(bind(['b']))).toEqual([undefined])
  })

  it('by the default when a workload asks for nothing', async () => {
    await createTask('a', '10230Mi')
    await bind(['a'])
    await registry.create(kindOf('Task'), 'default', bodyOf(aTask('b')), fixture.admin)
    expect(await errorsOf(bind(['b']))).toEqual([lacks('b', '64Mi', '10Mi')])
  })

  it('and not judged on a node whose agent has said nothing yet', async () => {
    await registry.create(kindOf('Node'), '', bodyOf({ metadata: { name: 'n3' } }), fixture.admin)
    await createTask('a', '99Gi')
    expect(await errorsOf(bind(['a'], 'n3'))).toEqual([undefined])
  })
})

describe('a Vps holds memory while it runs', () => {
  const createVps = (name: string, memory: string, spec: object = {}) =>
    registry.create(
      kindOf('Vps'),
      'default',
      bodyOf({ metadata: { name }, spec: { image: 'debian', nodeName: 'n1', resources: { requests: { memory } }, ...spec } }),
      fixture.admin,
    )
  const change = (name: string, spec: object, context = fixture.admin) =>
    registry.patch(targetOf('Vps', name), merge, bodyOf({ spec }), context)
  const report = (name: string, status: object) => registry.patch(targetOf('Vps', name, 'status'), merge, bodyOf({ status }), fixture.admin)
  const stop = async (name: string) => {
    await change(name, { running: false })
    await report(name, { phase: 'Stopped' })
  }
  const start = (name: string, context = fixture.admin) => change(name, { running: true }, context)
  const refused = (name: string, asked: string, free: string) => ({
    code: 409,
    message: `Operation cannot be fulfilled on vpses.millrace.dev "${name}": node n1 lacks memory (asks ${asked}, ${free} free); stop something there, or ask for less in spec.resources`,
  })

  it('stopped it frees it, and its start is refused when it no longer fits', async () => {
    await createVps('a', '6Gi')
    await expect(createVps('b', '6Gi')).rejects.toMatchObject({ code: 409 })
    await change('a', { running: false })
    await expect(createVps('b', '6Gi')).rejects.toMatchObject({ code: 409 })
    await report('a', { phase: 'Stopped' })
    await createVps('b', '6Gi')
    await expect(start('a')).rejects.toMatchObject(refused('a', '6Gi', '4Gi'))
    await stop('b')
    await start('a')
  })

  it('among starts that race in one batch', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      await createVps(name, '4Gi')
      await stop(name)
    }
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => start(name)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  })

  it('it may grow as far as its node has room, and shrink', async () => {
    await createVps('a', '4Gi')
    await createVps('b', '4Gi')
    const grow = (memory: string) => change('a', { resources: { requests: { memory } } })
    await expect(grow('7Gi')).rejects.toMatchObject(refused('a', '7Gi', '6Gi'))
    const both = await Promise.allSettled([grow('6Gi'), change('b', { resources: { requests: { memory: '6Gi' } } })])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await grow('1Gi')
  })

  it('grows as it likes while it is stopped, and is judged when it starts', async () => {
    await createVps('a', '1Gi')
    await stop('a')
    await change('a', { resources: { requests: { memory: '11Gi' } } })
    await expect(start('a')).rejects.toMatchObject(refused('a', '11Gi', '10Gi'))
  })

  it('a virtual machine as much as it was started with', async () => {
    await createVps('a', '6Gi', { backend: 'qemu' })
    await report('a', { phase: 'Running', resources: { memory: '6Gi' } })
    await change('a', { resources: { requests: { memory: '1Gi' } } })
    await expect(createVps('b', '6Gi')).rejects.toMatchObject({ code: 409 })
  })

  it('whatever dry runs asked, and what its agent reports is never refused', async () => {
    await createVps('a', '6Gi')
    await stop('a')
    await start('a', fixture.as('admin', { dryRun: true }))
    await createVps('b', '6Gi')
    await report('a', { phase: 'Running' })
  })

  it('and after a restart of the server', async () => {
    await createVps('a', '6Gi')
    await createVps('b', '4Gi')
    await stop('b')
    registry = serve()
    await expect(createVps('c', '5Gi')).rejects.toMatchObject({ code: 409 })
    await start('b')
  })
})
