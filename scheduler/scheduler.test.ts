import { describe, expect, it } from 'vitest'
import { conflict } from '../lib/api/api-error.js'
import { silentLogger } from '../lib/base/log.js'
import { ConnectionError } from '../lib/client/client.js'
import { eventually } from '../lib/testing/eventually.js'
import { ManualClock } from '../lib/testing/manual-clock.js'
import type { Bind } from './binder.js'
import { aNode, asking, aWorkload } from './fixtures/builders.js'
import { Scheduler } from './scheduler.js'
import type { Workload } from './workload.js'

type Binding = Parameters<Bind>[1][number]
type Answer = Awaited<ReturnType<Bind>>[number]

/** A scheduler whose bindings the test answers; what it binds is shown to it again only when the test says so. */
function aScheduler(options: { answer?: (binding: Binding) => Answer | Error; confirm?: boolean } = {}) {
  const clock = new ManualClock()
  const requests: Binding[][] = []
  const refusals = new Map<string, string[]>()
  const scheduled: string[] = []
  const overCommits: string[] = []
  const workloads = new Map<string, Workload>()
  const bind: Bind = async (_kind, bindings) => {
    requests.push([...bindings])
    const answers = bindings.map((binding) => options.answer?.(binding) ?? { namespace: binding.namespace, name: binding.name })
    const failure = answers.find((answer) => answer instanceof Error)
    if (failure) throw failure
    return answers as Answer[]
  }
  const scheduler: Scheduler = new Scheduler({
    clock,
    log: silentLogger,
    bind,
    confirmWithinMs: 30_000,
    reporter: {
      scheduled: (workload, nodeName) => {
        scheduled.push(`${workload.name} on ${nodeName}`)
        if (options.confirm !== false) show(asBound(workload, nodeName))
      },
      refused: (workload, message) => {
        refusals.set(workload.name, [...(refusals.get(workload.name) ?? []), message])
        show({ ...workload, refusal: message })
      },
      overCommitted: (nodeName, _uid, message) => overCommits.push(`${nodeName}: ${message}`),
    },
  })
  const show = (workload: Workload) => {
    workloads.set(workload.key, workload)
    scheduler.setWorkload(workload)
  }
  return {
    clock,
    scheduler,
    requests,
    refusals,
    scheduled,
    overCommits,
    show,
    bound: () => requests.flat().map(({ name, nodeName }) => `${name} on ${nodeName}`),
  }
}

const asBound = (workload: Workload, nodeName: string): Workload => ({ ...workload, nodeName, generation: workload.generation + 1 })
const names = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`)

describe('the scheduler', () => {
  it('binds what waits, the highest priority first, in one request', async () => {
    const { scheduler, requests, scheduled, show } = aScheduler()
    scheduler.setNode(aNode())
    show(asking('1Gi', '1', { name: 'low' }))
    show(asking('1Gi', '1', { name: 'high', spec: { priority: 10 } }))
    scheduler.start()
    await eventually(() => scheduled.length === 2)
    expect(requests).toEqual([
      [
        { namespace: 'default', name: 'high', uid: 'uid-high', nodeName: 'n1' },
        { namespace: 'default', name: 'low', uid: 'uid-low', nodeName: 'n1' },
      ],
    ])
    await scheduler.stop()
  })

  it('leaves alone what is bound, ended or being deleted', async () => {
    const { scheduler, bound, show, scheduled } = aScheduler()
    scheduler.setNode(aNode())
    show(aWorkload({ name: 'bound', spec: { nodeName: 'n9' } }))
    show(aWorkload({ name: 'ended', status: { phase: 'Failed' } }))
    show(aWorkload({ name: 'deleting', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }))
    show(aWorkload({ name: 'new' }))
    scheduler.start()
    await eventually(() => scheduled.length === 1)
    expect(bound()).toEqual(['new on n1'])
    await scheduler.stop()
  })

  it('says why nothing fits, once, and places the workload when a node that fits appears', async () => {
    const { clock, scheduler, refusals, scheduled, show } = aScheduler()
    scheduler.setNode(aNode({ name: 'n1', spec: { unschedulable: true } }))
    show(aWorkload({ name: 'a' }))
    scheduler.start()
    await eventually(() => expect(refusals.get('a')).toEqual(['0 of 1 node fits: n1 is cordoned']))
    await clock.advance(120_000)
    expect(refusals.get('a')).toHaveLength(1)
    scheduler.setNode(aNode({ name: 'n1' }))
    await clock.advance(1_000)
    await eventually(() => expect(scheduled).toEqual(['a on n1']))
    await scheduler.stop()
  })

  it('reports a refusal anew when its words change', async () => {
    const { clock, scheduler, refusals, show } = aScheduler()
    scheduler.setNode(aNode({ name: 'n1', spec: { unschedulable: true } }))
    show(asking('9Gi', '1', { name: 'a' }))
    scheduler.start()
    await eventually(() => refusals.has('a'))
    scheduler.setNode(aNode({ name: 'n1' }))
    scheduler.setNode(aNode({ name: 'n2', ready: false }))
    await clock.advance(120_000)
    await eventually(() =>
      expect(refusals.get('a')?.at(-1)).toBe('0 of 2 nodes fit: n1 lacks memory (asks 9Gi, 8Gi free); n2 is not ready (BackendDown)'),
    )
    await scheduler.stop()
  })

  it('never promises more memory than there is while bindings are under way', async () => {
    const { scheduler, bound, show, refusals } = aScheduler({ confirm: false })
    for (const name of ['n1', 'n2']) scheduler.setNode(aNode({ name }))
    for (const name of names(7)) show(asking('3Gi', '100m', { name }))
    scheduler.start()
    await eventually(() => expect(refusals.size).toBe(3))
    expect(bound().filter((text) => text.endsWith('n1'))).toHaveLength(2)
    expect(bound().filter((text) => text.endsWith('n2'))).toHaveLength(2)
    await scheduler.stop()
  })

  it('places one waiting workload for each that leaves', async () => {
    const { clock, scheduler, scheduled, show, refusals } = aScheduler()
    scheduler.setNode(aNode())
    const held = asBound(asking('8Gi', '1', { name: 'held' }), 'n1')
    show(held)
    for (const name of names(3)) show(asking('5Gi', '1', { name }))
    scheduler.start()
    await eventually(() => expect(refusals.size).toBe(3))
    scheduler.removeWorkload(held.key)
    await clock.advance(1_000)
    await eventually(() => expect(scheduled).toEqual(['w0 on n1']))
    await clock.advance(1_000)
    expect(scheduler.waiting).toEqual({ active: 0, backoff: 0, unschedulable: 2 })
    await scheduler.stop()
  })

  it('gives what another scheduler bound first to it, and goes on', async () => {
    const refused = conflict({ group: 'millrace.dev', resource: 'tasks', name: 'a' }, 'task a is already assigned to node "n2"')
    const { clock, scheduler, requests, scheduled, show } = aScheduler({
      answer: ({ namespace, name }) =>
        name === 'a' ? { namespace, name, error: { reason: refused.reason, code: 409, message: refused.message } } : { namespace, name },
    })
    for (const name of ['n1', 'n2']) scheduler.setNode(aNode({ name }))
    show(asking('8Gi', '1', { name: 'a' }))
    scheduler.start()
    await eventually(() => requests.length === 1)
    show(asBound(asking('8Gi', '1', { name: 'a' }), 'n2'))
    show(asking('8Gi', '1', { name: 'b' }))
    await eventually(() => expect(scheduled).toEqual(['b on n1']))
    await clock.advance(60_000)
    expect(requests).toHaveLength(2)
    await scheduler.stop()
  })

  it('tries a refused binding again after a pause, with what it knows then', async () => {
    let refuse = true
    const { clock, scheduler, scheduled, requests, show } = aScheduler({
      answer: ({ namespace, name }) =>
        refuse ? { namespace, name, error: { reason: 'Conflict', code: 409, message: 'node n1 lacks memory' } } : { namespace, name },
    })
    scheduler.setNode(aNode())
    show(aWorkload({ name: 'a' }))
    scheduler.start()
    await eventually(() => requests.length === 1)
    refuse = false
    await eventually(() => expect(scheduler.waiting.backoff).toBe(1))
    await clock.advance(250)
    await eventually(() => expect(scheduled).toEqual(['a on n1']))
    await scheduler.stop()
  })

  it('waits for the watch when the outcome is unknown, and tries again when nothing shows it', async () => {
    let broken = true
    const { clock, scheduler, scheduled, requests, show } = aScheduler({
      answer: ({ namespace, name }) => (broken ? new ConnectionError('broken') : { namespace, name }),
    })
    scheduler.setNode(aNode())
    show(asking('8Gi', '1', { name: 'a' }))
    scheduler.start()
    await eventually(() => requests.length === 1)
    broken = false
    await clock.advance(29_000)
    expect(requests).toHaveLength(1)
    await clock.advance(10_000)
    await eventually(() => expect(scheduled).toEqual(['a on n1']))
    await scheduler.stop()
  })

  it('reports a node that was promised more memory than it has', async () => {
    const { scheduler, overCommits, show } = aScheduler()
    scheduler.setNode(aNode())
    show(asBound(asking('5Gi', '1', { name: 'a' }), 'n1'))
    show(asBound(asking('5Gi', '1', { name: 'b' }), 'n1'))
    show(asBound(asking('5Gi', '1', { name: 'c' }), 'n1'))
    expect(overCommits).toEqual(['n1: workloads were promised 10Gi of memory, the node has 8Gi'])
    await scheduler.stop()
  })

  it('admits a backend without isolation once the namespace is labelled', async () => {
    const { clock, scheduler, refusals, scheduled, show } = aScheduler()
    scheduler.setNode(
      aNode({
        status: {
          allocatable: { cpu: '1', memory: '1Gi' },
          conditions: [{ type: 'Ready', status: 'True' }],
          backends: [{ name: 'process', available: true, isolation: 'none' }],
        },
      }),
    )
    show(aWorkload({ name: 'a', spec: { image: undefined, command: ['true'] } }))
    scheduler.start()
    await eventually(() => refusals.has('a'))
    const metadata = {
      name: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '',
      labels: { 'millrace.dev/security': 'privileged' },
    }
    scheduler.setNamespace({ apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} })
    await clock.advance(1_000)
    await eventually(() => expect(scheduled).toEqual(['a on n1']))
    await scheduler.stop()
  })

  it('sends many bindings in few requests, none twice', async () => {
    const { scheduler, requests, scheduled, show } = aScheduler()
    for (const name of names(50))
      scheduler.setNode(
        aNode({
          name,
          status: {
            allocatable: { cpu: '64', memory: '640Gi' },
            conditions: [{ type: 'Ready', status: 'True' }],
            backends: [{ name: 'docker', available: true }],
          },
        }),
      )
    for (const name of names(2_000)) show(aWorkload({ name }))
    scheduler.start()
    await eventually(() => scheduled.length === 2_000)
    expect(new Set(requests.flat().map(({ name }) => name)).size).toBe(2_000)
    expect(requests.flat()).toHaveLength(2_000)
    for (const request of requests) expect(request.length).toBeLessThanOrEqual(256)
    await scheduler.stop()
  })

  it('stops after the answers to what it has sent', async () => {
    let release = (_value: Answer[]) => {}
    let asked = false
    const clock = new ManualClock()
    const scheduled: string[] = []
    const scheduler = new Scheduler({
      clock,
      log: silentLogger,
      bind: () => {
        asked = true
        return new Promise((resolve) => {
          release = resolve
        })
      },
      reporter: { scheduled: ({ name }) => scheduled.push(name), refused: () => {}, overCommitted: () => {} },
    })
    scheduler.setNode(aNode())
    scheduler.setWorkload(aWorkload({ name: 'a' }))
    scheduler.start()
    await eventually(() => asked)
    const stopped = scheduler.stop()
    release([{ namespace: 'default', name: 'a' }])
    await stopped
    expect(scheduled).toEqual(['a'])
    expect(clock.timers).toBe(0)
  })
})
