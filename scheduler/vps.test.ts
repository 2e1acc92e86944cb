import { describe, expect, it } from 'vitest'
import type { Kind } from '../lib/api/define-kind.js'
import type { IPClaimSpec } from '../lib/api/kinds/ip-claim.js'
import { Vps } from '../lib/api/kinds/vps.js'
import { ManualClock } from '../lib/testing/manual-clock.js'
import type { ClusterFacts } from './filters/filter.js'
import { aNode, aNodeState, strictCluster } from './fixtures/builders.js'
import { fits, placeWorkload } from './place.js'
import { explainRefusals } from './refusal.js'
import { Snapshot } from './snapshot.js'
import { isWaiting, readWorkload, type Workload } from './workload.js'

const aVps = (spec: object, status: object = {}, name = 'v'): Workload =>
  readWorkload(Vps as unknown as Kind, {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp: '' },
    spec: { backend: 'docker', image: 'debian', running: true, priority: 0, ...spec },
    status,
  })
const asks = { resources: { requests: { cpu: '1', memory: '4Gi', 'millrace.dev/gpu': '1' } } }

describe('a Vps, for the scheduler,', () => {
  it.each<[boolean, string, object, object]>([
    [true, 'one that is to run', {}, { phase: 'Pending' }],
    [false, 'one that is not to run', { running: false }, { phase: 'Stopped' }],
    [true, 'one that was refused for ever is not over', {}, { phase: 'Failed' }],
    [false, 'one that is bound', { nodeName: 'n1' }, { phase: 'Stopped' }],
  ])('waits for a node: %j (%s)', (waits, _case, spec, status) => {
    expect(isWaiting(aVps(spec, status))).toBe(waits)
  })

  it.each<[string, object, object, { cpu: number; memory: number; gpus: number }]>([
    ['running', {}, { phase: 'Running' }, { cpu: 1000, memory: 4, gpus: 1 }],
    ['asked to stop, and not stopped yet', { running: false }, { phase: 'Running' }, { cpu: 1000, memory: 4, gpus: 1 }],
    ['stopped', { running: false }, { phase: 'Stopped' }, { cpu: 0, memory: 0, gpus: 1 }],
    ['asked to start again', {}, { phase: 'Stopped' }, { cpu: 1000, memory: 4, gpus: 1 }],
    ['failed, and may be mended', {}, { phase: 'Failed' }, { cpu: 1000, memory: 4, gpus: 1 }],
    [
      'a machine that runs with more than it is to have',
      { backend: 'qemu' },
      { phase: 'Running', resources: { memory: '6Gi' } },
      { cpu: 1000, memory: 6, gpus: 1 },
    ],
    ['a container that shrank at once', {}, { phase: 'Running', resources: { memory: '6Gi' } }, { cpu: 1000, memory: 4, gpus: 1 }],
  ])('holds of its node, %s', (_case, spec, status, holds) => {
    const { cpu, memory, extended } = aVps({ ...asks, ...spec, nodeName: 'n1' }, status)
    expect({ cpu, memory: memory / 2 ** 30, gpus: Object.fromEntries(extended)['millrace.dev/gpu'] }).toEqual(holds)
  })

  it('frees CPU, memory and a place of the node when it has stopped, which others then hear of, and keeps its GPU', () => {
    const snapshot = new Snapshot(new ManualClock())
    snapshot.setNode(aNode())
    snapshot.setWorkload(aVps({ ...asks, nodeName: 'n1' }, { phase: 'Running', gpus: [3] }))
    snapshot.takeChangedNodes()
    snapshot.setWorkload(aVps({ ...asks, nodeName: 'n1', running: false }, { phase: 'Stopped', gpus: [3] }))
    const use = snapshot.node('n1')?.use
    expect({ ...use, gpus: [...(use?.gpus.keys() ?? [])] }).toMatchObject({ cpu: 0, memory: 0, count: 0, gpus: [3] })
    expect(snapshot.takeChangedNodes().map(({ name }) => name)).toEqual(['n1'])
  })

  it('of the backend qemu goes to a node that has it', () => {
    const machine = aVps({ backend: 'qemu' })
    const with_ = aNodeState({
      name: 'n2',
      status: { allocatable: { cpu: '4', memory: '8Gi' }, backends: [{ name: 'qemu', available: true, isolation: 'vm' }] },
    })
    expect(fits(machine, aNodeState(), strictCluster)).toBe(false)
    const ready = { ...with_, facts: { ...with_.facts, ready: true } }
    expect(fits(machine, ready, strictCluster)).toBe(true)
  })

  it.each<[string, IPClaimSpec | undefined]>([
    ['n1 does not have the address: there is no IPClaim mine', undefined],
    ['n1 does not have the address: IPClaim mine is of node n2', { nodeName: 'n2' }],
    ['n1 does not have the address: IPClaim mine is of no node yet', {}],
    [
      'n1 does not have the address: IPClaim mine is held by Vps other',
      { nodeName: 'n1', holder: { kind: 'Vps', name: 'other', uid: 'x' } },
    ],
    ['fits', { nodeName: 'n1', holder: { kind: 'Vps', name: 'v', uid: 'uid-v' } }],
    ['fits', { nodeName: 'n1' }],
  ])('with an address of its own: %s', (outcome, spec) => {
    const workload = aVps({ addressClaim: 'mine' })
    const cluster: ClusterFacts = {
      ...strictCluster,
      addressClaim: (namespace, name) => (`${namespace}/${name}` === 'default/mine' ? spec : undefined),
    }
    const placing = placeWorkload(workload, [aNodeState()], cluster, { start: 0, enough: 1 })
    expect(placing.node ? 'fits' : explainRefusals(workload, placing.refusals, cluster)).toBe(
      outcome === 'fits' ? outcome : `0 of 1 node fits: ${outcome}`,
    )
  })
})
