import { describe, expect, it } from 'vitest'
import { aNodeState, aWorkload, type NodeParts, strictCluster, type TaskParts } from '../fixtures/builders.js'
import { applyUse } from '../node-state.js'
import type { ClusterFacts } from './filter.js'
import { filters } from './index.js'

/** The name of the first filter that refuses, with its words; undefined when the node fits. */
function refusal(task: TaskParts, node: NodeParts, others: TaskParts[] = [], cluster: ClusterFacts = strictCluster): string | undefined {
  const state = aNodeState(node)
  for (const [index, other] of others.entries()) applyUse(state.use, aWorkload({ name: `other-${index}`, ...other }), 1)
  const workload = aWorkload(task)
  const failing = filters.find((filter) => filter.matters(workload) && !filter.passes(workload, state, cluster))
  return failing && `${failing.name}: ${state.name} ${failing.explain(workload, [state], cluster)}`
}

const requests = (amounts: Record<string, string>): TaskParts => ({ spec: { resources: { requests: amounts } } })
const tainted = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule'): NodeParts => ({
  spec: { taints: [{ key: 'team', value: 'ml', effect }] },
})
const gpuNode: NodeParts = {
  status: {
    allocatable: { cpu: '4', memory: '8Gi' },
    gpus: [{ index: 0 }, { index: 1 }],
    numa: [{ id: 0 }],
    backends: [{ name: 'docker', available: true }],
  },
}
const requiring = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt', values?: string[]): TaskParts => ({
  spec: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] },
      },
    },
  },
})

describe('a node takes a workload', () => {
  it.each<[string, TaskParts, NodeParts, TaskParts[]]>([
    ['that asks for nothing special', {}, {}, []],
    ['that fits exactly', requests({ memory: '6Gi' }), {}, [requests({ memory: '2Gi' })]],
    ['with more CPU promised than it has, up to the factor', requests({ cpu: '12' }), {}, [requests({ cpu: '4' })]],
    [
      'that tolerates its taint by value',
      { spec: { tolerations: [{ key: 'team', operator: 'Equal', value: 'ml' }] } },
      tainted('NoSchedule'),
      [],
    ],
    ['that tolerates every taint', { spec: { tolerations: [{ operator: 'Exists' }] } }, tainted('NoExecute'), []],
    ['that does not tolerate a taint that only prefers', {}, tainted('PreferNoSchedule'), []],
    ['whose labels match', { spec: { nodeSelector: { gpu: 'a100' } } }, { metadata: { labels: { gpu: 'a100' } } }, []],
    ['whose affinity matches', requiring('size', 'Gt', ['3']), { metadata: { labels: { size: '4' } } }, []],
    ['whose affinity wants a label away', requiring('size', 'DoesNotExist'), {}, []],
    ['that is aimed at it', { spec: { target: 'n1' } }, {}, []],
    ['that is aimed at its free GPU', { spec: { target: 'n1:0::1' } }, gpuNode, [{ spec: { target: 'n1::0' } }]],
    [
      'that is aimed at a GPU beside one that was given by number',
      { spec: { target: 'n1::1' } },
      gpuNode,
      [{ ...requests({ 'millrace.dev/gpu': '1' }), status: { gpus: [0] } }],
    ],
    ['that asks for a GPU by number', requests({ 'millrace.dev/gpu': '1' }), gpuNode, [{ spec: { target: 'n1::0' } }]],
    [
      'on another port',
      { spec: { ports: [{ port: 80, protocol: 'TCP', hostPort: 8080 }] } },
      {},
      [{ spec: { ports: [{ port: 80, protocol: 'UDP', hostPort: 8080 }] } }],
    ],
    [
      'of any backend when it is hollow',
      { spec: { image: undefined, command: ['true'] } },
      {
        status: {
          allocatable: { cpu: '4', memory: '8Gi' },
          conditions: [{ type: 'Ready', status: 'True' }],
          backends: [{ name: 'hollow', available: true }],
        },
      },
      [],
    ],
  ])('%s', (_name, task, node, others) => {
    const ready: NodeParts = node.status ? { ...node, status: { conditions: [{ type: 'Ready', status: 'True' }], ...node.status } } : node
    expect(refusal(task, ready, others)).toBeUndefined()
  })
})

describe('a node refuses, and says why', () => {
  it.each<[string, TaskParts, NodeParts, TaskParts[]]>([
    ['Ready: n1 is not ready (BackendDown)', {}, { ready: false }, []],
    ['Ready: n1 is not ready (no report of the agent)', {}, { status: { conditions: [] } }, []],
    ['Ready: n1 is not ready (being deleted)', {}, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, []],
    ['Cordon: n1 is cordoned', {}, { spec: { unschedulable: true } }, []],
    ['Taints: n1 has untolerated taint team=ml:NoSchedule', {}, tainted('NoSchedule'), []],
    [
      'Taints: n1 has untolerated taint team=ml:NoExecute',
      { spec: { tolerations: [{ key: 'team', operator: 'Exists', effect: 'NoSchedule' }] } },
      tainted('NoExecute'),
      [],
    ],
    ['NodeSelector: n1 lacks label gpu=a100', { spec: { nodeSelector: { gpu: 'a100' } } }, { metadata: { labels: { gpu: 'v100' } } }, []],
    ['NodeSelector: n1 lacks label gpu=a100 and zone=b', { spec: { nodeSelector: { gpu: 'a100', zone: 'b' } } }, {}, []],
    ['NodeSelector: n1 lacks label constructor=x', { spec: { nodeSelector: { constructor: 'x' } } }, {}, []],
    ['Affinity: n1 does not match the required node affinity', requiring('zone', 'In', ['a']), { metadata: { labels: { zone: 'b' } } }, []],
    [
      'Affinity: n1 does not match the required node affinity',
      requiring('zone', 'NotIn', ['b']),
      { metadata: { labels: { zone: 'b' } } },
      [],
    ],
    [
      'Affinity: n1 does not match the required node affinity',
      requiring('size', 'Lt', ['3']),
      { metadata: { labels: { size: 'big' } } },
      [],
    ],
    ['Resources: n1 lacks memory (asks 4Gi, 1.2Gi free)', requests({ memory: '4Gi' }), {}, [requests({ memory: '6963Mi' })]],
    ['Resources: n1 lacks cpu (asks 1, 0.5 free)', requests({ cpu: '1' }), {}, [requests({ cpu: '15500m' })]],
    ['Resources: n1 lacks memory (asks 9Gi, 8Gi free) and cpu (asks 17, 16 free)', requests({ memory: '9Gi', cpu: '17' }), {}, []],
    ['Resources: n1 lacks millrace.dev/gpu (asks 1, 0 free)', requests({ 'millrace.dev/gpu': '1' }), {}, []],
    ['Resources: n1 lacks example.com/fpga (asks 2, 0 free)', requests({ 'example.com/fpga': '2' }), {}, []],
    [
      'Resources: n1 lacks pods (asks 1, 0 free)',
      {},
      { status: { ...aStatus(), allocatable: { cpu: '4', memory: '8Gi', pods: '1' } } },
      [{}],
    ],
    [
      'HostPorts: n1 has no free port 8080/TCP (held by default/other-0)',
      { spec: { ports: [{ port: 80, protocol: 'TCP', hostPort: 8080 }] } },
      {},
      [{ spec: { ports: [{ port: 1, protocol: 'TCP', hostPort: 8080 }] } }],
    ],
    ['Backend: n1 cannot run process: the agent does not offer it', { spec: { image: undefined, command: ['true'] } }, {}, []],
    [
      'Backend: n1 cannot run docker: no socket',
      {},
      { status: { ...aStatus(), backends: [{ name: 'docker', available: false, message: 'no socket' }] } },
      [],
    ],
    [
      'Backend: n1 cannot run process: it isolates nothing there, and namespace default does not have label millrace.dev/security=privileged',
      { spec: { image: undefined, command: ['true'] } },
      { status: { ...aStatus(), backends: [{ name: 'process', available: true, isolation: 'none' }] } },
      [],
    ],
    ['Target: n1 is not the target n2', { spec: { target: 'n2' } }, {}, []],
    ['Target: n1 is not meant by the target "n1:x": a target is NODE[:NUMA][::GPU,GPU]', { spec: { target: 'n1:x' } }, {}, []],
    ['Target: n1 has no NUMA node 3', { spec: { target: 'n1:3' } }, withReady(gpuNode), []],
    ['Target: n1 has no GPU 2', { spec: { target: 'n1::1,2' } }, withReady(gpuNode), []],
    ['Target: n1 has GPU 1 held by default/other-0', { spec: { target: 'n1::1' } }, withReady(gpuNode), [{ spec: { target: 'n1::1' } }]],
    [
      'Target: n1 has GPU 1 held by default/other-0',
      { spec: { target: 'n1::1' } },
      withReady(gpuNode),
      [{ ...requests({ 'millrace.dev/gpu': '1' }), status: { gpus: [1] } }],
    ],
    [
      'Resources: n1 lacks millrace.dev/gpu (asks 1, 0 free)',
      { spec: { target: 'n1::1' } },
      withReady(gpuNode),
      [requests({ 'millrace.dev/gpu': '2' })],
    ],
  ])('%s', (message, task, node, others) => {
    expect(refusal(task, node, others)).toBe(message)
  })

  it('but lets a privileged namespace use a backend that isolates nothing', () => {
    const node: NodeParts = { status: { ...aStatus(), backends: [{ name: 'process', available: true, isolation: 'none' }] } }
    expect(
      refusal({ spec: { image: undefined, command: ['true'] } }, node, [], {
        ...strictCluster,
        allowsNoIsolation: (name) => name === 'default',
      }),
    ).toBeUndefined()
  })

  it('also the ports of a process, which listens on the node itself', () => {
    const process: TaskParts = { spec: { image: undefined, command: ['serve'], ports: [{ port: 8080, protocol: 'TCP' }] } }
    const node: NodeParts = { status: { ...aStatus(), backends: [{ name: 'process', available: true, isolation: 'user' }] } }
    expect(refusal(process, node, [process])).toBe('HostPorts: n1 has no free port 8080/TCP (held by default/other-0)')
  })
})

function aStatus() {
  return {
    allocatable: { cpu: '4', memory: '8Gi' },
    conditions: [{ type: 'Ready', status: 'True' as const }],
    backends: [{ name: 'docker', available: true }],
  }
}
function withReady(node: NodeParts): NodeParts {
  return { ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'True' }] } }
}
