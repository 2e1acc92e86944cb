import { expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { findTarget, type TargetLookup } from './find-target.js'

const running = [{ type: 'Running', status: 'True' }]
const workload = (uid: string, spec: object, status: object) => ({ metadata: { uid }, spec, status }) as unknown
const lookup: TargetLookup = {
  task: (name) =>
    ({
      moved: workload('u-task', { nodeName: 'n1' }, { attempt: 3, conditions: running }),
      lost: workload('u-lost', { nodeName: 'n1' }, { phase: 'Unknown', conditions: [{ type: 'Running', status: 'Unknown' }] }),
      far: workload('u-far', { nodeName: 'n2' }, { conditions: running }),
      unbound: workload('u-unbound', {}, {}),
    })[name] as Task | undefined,
  vps: (name) =>
    ({
      box: workload('u-vps', { nodeName: 'n1' }, { attempt: 2, conditions: running }),
      stopped: workload('u-stopped', { nodeName: 'n1' }, { phase: 'Stopped', conditions: [{ type: 'Running', status: 'False' }] }),
    })[name] as Vps | undefined,
  isConnected: (node) => node === 'n1',
}

const find = (kind: 'Task' | 'Vps', name: string) =>
  findTarget(
    {
      metadata: { namespace: 'ns', name: 't', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
      spec: { target: { kind, name, port: 80 }, protocol: 'tcp', listen: { address: '0.0.0.0', port: 1 }, proxyProtocol: 'off' },
    },
    lookup,
  )

it.each([
  ['Task', 'moved', { node: 'n1', uid: 'u-task', attempt: 3 }],
  ['Vps', 'box', { node: 'n1', uid: 'u-vps', attempt: 0 }],
] as const)('a %s that runs is where it is now', (kind, name, place) => {
  expect(find(kind, name)).toEqual({ ...place, kind, name, namespace: 'ns', port: 80 })
})

it.each([
  ['Task', 'absent', 'TargetNotFound', 'there is no task "absent" in the namespace'],
  ['Vps', 'moved', 'TargetNotFound', 'there is no vps "moved" in the namespace'],
  ['Task', 'unbound', 'TargetNotRunning', 'task "unbound" does not run: its phase is Pending'],
  ['Task', 'lost', 'TargetNotRunning', 'task "lost" does not run: its phase is Unknown'],
  ['Vps', 'stopped', 'TargetNotRunning', 'vps "stopped" does not run: its phase is Stopped'],
  ['Task', 'far', 'NodeNotConnected', 'the agent of node "n2" has no connection to the gateway'],
] as const)('the %s "%s" cannot be connected to: %s', (kind, name, reason, message) => {
  expect(find(kind, name)).toEqual({ reason, message })
})
