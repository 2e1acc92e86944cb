import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aNodeState, asking, aWorkload, type NodeParts, strictCluster, type TaskParts } from './fixtures/builders.js'
import { helpedBy } from './helped-by.js'
import { applyUse } from './node-state.js'
import { placeWorkload } from './place.js'
import { explainRefusals } from './refusal.js'

const options = { start: 0, enough: 100 }
const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index + 1}`)

describe('placing', () => {
  const ready = [{ type: 'Ready', status: 'True' as const }]
  const base = { allocatable: { cpu: '4', memory: '8Gi' }, conditions: ready, backends: [{ name: 'docker', available: true }] }
  it.each<[string, TaskParts, NodeParts, NodeParts, TaskParts[]]>([
    ['has more left', {}, { name: 'busy' }, { name: 'best' }, [{ spec: { resources: { requests: { memory: '4Gi', cpu: '1' } } } }]],
    [
      'runs fewer of the same owner',
      owned('web', 'x'),
      { name: 'busy', status: { ...base, allocatable: { cpu: '64', memory: '640Gi' } } },
      { name: 'best', status: { ...base, allocatable: { cpu: '16', memory: '16Gi' } } },
      [owned('web', 'y')],
    ],
    [
      'has the image',
      { spec: { image: 'big:1' } },
      { name: 'busy' },
      { name: 'best', status: { ...base, images: [{ names: ['big:1'], sizeBytes: 2 ** 30 }] } },
      [],
    ],
    [
      'has the image under its full name',
      { spec: { image: 'big' } },
      { name: 'busy' },
      { name: 'best', status: { ...base, images: [{ names: ['big:latest'], sizeBytes: 2 ** 30 }] } },
      [],
    ],
    ['is preferred by affinity', preferring('zone', 'a'), { name: 'busy' }, { name: 'best', metadata: { labels: { zone: 'a' } } }, []],
    [
      'has no taint that only prefers',
      {},
      { name: 'busy', spec: { taints: [{ key: 'old', effect: 'PreferNoSchedule' }] } },
      { name: 'best' },
      [],
    ],
  ])('takes the node that %s', (_name, task, busy, best, onBusy) => {
    const nodes = [aNodeState(busy), aNodeState(best)]
    for (const [index, other] of onBusy.entries()) if (nodes[0]) applyUse(nodes[0].use, aWorkload({ name: `other-${index}`, ...other }), 1)
    for (const start of [0, 1]) expect(placeWorkload(aWorkload(task), nodes, strictCluster, { ...options, start }).node?.name).toBe('best')
  })

  it('begins where it is told, so that equal nodes take turns', () => {
    const nodes = names(4).map((name) => aNodeState({ name }))
    const chosen = [0, 1, 2, 3].map((start) => placeWorkload(aWorkload(), nodes, strictCluster, { start, enough: 1 }).node?.name)
    expect(chosen).toEqual(['n1', 'n2', 'n3', 'n4'])
  })

  it('looks on past nodes that do not fit until enough do', () => {
    const nodes = names(50).map((name, index) => aNodeState({ name, spec: { unschedulable: index < 48 } }))
    const placing = placeWorkload(aWorkload(), nodes, strictCluster, { start: 0, enough: 1 })
    expect(placing.node?.name).toBe('n49')
  })

  it('never over-commits memory, nor the CPU beyond its factor, nor anything counted, whatever comes and goes', () => {
    const amounts = fc.record({
      memory: fc.integer({ min: 0, max: 5 }),
      cpu: fc.integer({ min: 0, max: 9 }),
      gpu: fc.integer({ min: 0, max: 2 }),
      leave: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(amounts, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (asks, nodeCount) => {
        const nodes = names(nodeCount).map((name) =>
          aNodeState({ name, status: { ...base, allocatable: { cpu: '4', memory: '8Gi', 'millrace.dev/gpu': '2' } } }),
        )
        let start = 0
        for (const [index, { memory, cpu, gpu, leave }] of asks.entries()) {
          const workload = aWorkload({
            name: `w${index}`,
            spec: { resources: { requests: { memory: `${memory}Gi`, cpu, 'millrace.dev/gpu': gpu } } },
          })
          const placing = placeWorkload(workload, nodes, strictCluster, { start: start++ % nodeCount, enough: 2 })
          if (!placing.node) {
            expect(placing.refusals.map(({ node }) => node.name).sort()).toEqual(names(nodeCount).sort())
            const text = explainRefusals(workload, placing.refusals, strictCluster)
            for (const name of names(nodeCount)) expect(text).toContain(`${name} lack`)
            continue
          }
          applyUse(placing.node.use, workload, 1)
          for (const { facts, use } of nodes) {
            expect(use.memory).toBeLessThanOrEqual(facts.memory)
            expect(use.cpu).toBeLessThanOrEqual(16_000)
            expect(use.extended.get('millrace.dev/gpu') ?? 0).toBeLessThanOrEqual(2)
          }
          if (leave) applyUse(placing.node.use, workload, -1)
        }
      }),
    )
  })
})

describe('a refusal', () => {
  const text = (parts: NodeParts[], task: TaskParts = {}) => {
    const workload = aWorkload(task)
    const placing = placeWorkload(workload, parts.map(aNodeState), strictCluster, options)
    return placing.node ? 'placed' : explainRefusals(workload, placing.refusals, strictCluster)
  }

  it('says for each node what it lacks, with numbers', () => {
    const workload = asking('4Gi', '100m', { spec: { nodeSelector: { gpu: 'a100' } } })
    const gpu = { metadata: { labels: { gpu: 'a100' } } }
    const nodes = [
      aNodeState({ name: 'n1', ...gpu }),
      aNodeState({ name: 'n2', ...gpu, spec: { unschedulable: true } }),
      aNodeState({ name: 'n3' }),
    ]
    if (nodes[0]) applyUse(nodes[0].use, asking('6963Mi'), 1)
    const placing = placeWorkload(
      aWorkload({ spec: { nodeSelector: { gpu: 'a100' }, resources: { requests: { memory: '4Gi' } } } }),
      nodes,
      strictCluster,
      options,
    )
    expect(placing.node).toBeUndefined()
    if (placing.node === undefined)
      expect(explainRefusals({ ...workload, nodeSelector: [['gpu', 'a100']] }, placing.refusals, strictCluster)).toBe(
        '0 of 3 nodes fit: n1 lacks memory (asks 4Gi, 1.2Gi free); n2 is cordoned; n3 lacks label gpu=a100',
      )
  })

  it.each([
    [[], '0 of 0 nodes fit: the cluster has no nodes'],
    [[{ name: 'n1', spec: { unschedulable: true } }], '0 of 1 node fits: n1 is cordoned'],
  ] as [NodeParts[], string][])('of %j is a sentence', (nodes, expected) => {
    expect(text(nodes)).toBe(expected)
  })

  it('groups the nodes of a large cluster, and counts each', () => {
    const nodes = names(40).map((name, index): NodeParts => {
      if (index === 0) return { name, ready: false }
      return index < 11
        ? { name, spec: { unschedulable: true } }
        : {
            name,
            status: {
              allocatable: { memory: `${index}Mi` },
              conditions: [{ type: 'Ready', status: 'True' }],
              backends: [{ name: 'docker', available: true }],
            },
          }
    })
    expect(text(nodes, { spec: { resources: { requests: { memory: '1Gi', cpu: '0' } } } })).toBe(
      '0 of 40 nodes fit: 29 lack memory (asks 1Gi, at most 39Mi free) (n12, n13, n14, n15, n16, …); 10 are cordoned (n10, n11, n2, n3, n4, …); n1 is not ready (BackendDown)',
    )
  })
})

describe('a changed node', () => {
  it('helps as many workloads as it has room for, and no more', () => {
    const helps = helpedBy([aNodeState({ name: 'n1' })], strictCluster)
    const answers = names(5).map((name) => helps(asking('3Gi', '100m', { name })))
    expect(answers).toEqual(['n1', 'n1', undefined, undefined, undefined])
  })

  it('is not changed by being asked', () => {
    const node = aNodeState({ name: 'n1' })
    helpedBy([node], strictCluster)(asking('3Gi', '1', { spec: { target: 'n1', ports: [{ port: 1, hostPort: 1, protocol: 'TCP' }] } }))
    expect(node.use).toEqual(aNodeState().use)
  })
})

function owned(name: string, suffix: string): TaskParts {
  return {
    name: `${name}-${suffix}`,
    metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-${name}`, controller: true }] },
  }
}
function preferring(key: string, value: string): TaskParts {
  return {
    spec: {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, preference: { matchExpressions: [{ key, operator: 'In', values: [value] }] } },
          ],
        },
      },
    },
  }
}
