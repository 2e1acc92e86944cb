import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { Task } from '../../../lib/api/kinds/task.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { aStored, storeOf } from '../fixtures/stored.js'
import { nodeRestriction } from './node-restriction.js'

const user = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }
const inDefault = (name: string) => ({ namespace: 'default', name })
const view = storeOf([
  aStored(Task, { metadata: inDefault('mine'), spec: { nodeName: 'a' } }),
  aStored(Task, { metadata: inDefault('theirs'), spec: { nodeName: 'b' } }),
  aStored(Vps, { metadata: inDefault('dev'), spec: { nodeName: 'a', addressClaim: 'reserved' } }),
])
const task = { kind: 'Task', name: 'mine', uid: 'uid-of-mine' }
const theirs = { kind: 'Task', name: 'theirs', uid: 'uid-of-theirs' }
const dev = { kind: 'Vps', name: 'dev', uid: 'uid-of-dev' }
const gone = { kind: 'Task', name: 'gone', uid: 'uid-of-gone' }

interface Claim {
  readonly name?: string
  readonly owner?: object
  readonly spec?: object
  readonly labels?: object
}
const claim = ({ name = 'task-mine', owner, spec = {}, labels }: Claim): KubeObject =>
  ({
    apiVersion: IPClaim.apiVersion,
    kind: 'IPClaim',
    metadata: { ...inDefault(name), uid: 'u', resourceVersion: '1', labels, ownerReferences: owner ? [owner] : undefined },
    spec: { nodeName: 'a', address: '172.30.0.5', ...spec },
  }) as unknown as KubeObject

const refused = (old: Claim | undefined, next: Claim | undefined) =>
  nodeRestriction({ user, kind: IPClaim, subresource: '', old: old && claim(old), next: next && claim(next), view }).map(
    ({ field }) => field,
  )
const ofTask = { owner: task, spec: { holder: task } }

describe('a node and the addresses of its range', () => {
  it.each<[string, Claim | undefined, Claim | undefined]>([
    ['makes one for a workload that is bound to it', undefined, ofTask],
    ['deletes it', ofTask, undefined],
    ['deletes what was made for a workload that has left it', { owner: theirs, spec: { holder: theirs } }, undefined],
    ['deletes what was made for a workload that is gone', { owner: gone, spec: { holder: gone } }, undefined],
    ['gives a reserved one to the Vps that names it', { name: 'reserved' }, { name: 'reserved', spec: { holder: dev } }],
    ['takes it back', { name: 'reserved', spec: { holder: dev } }, { name: 'reserved' }],
    ['takes it from one that is gone', { name: 'reserved', spec: { holder: gone } }, { name: 'reserved', spec: { holder: dev } }],
  ])('%s', (_case, old, next) => {
    expect(refused(old, next)).toEqual([])
  })

  it.each<[string, Claim | undefined, Claim | undefined, string]>([
    ['makes none for nobody', undefined, { owner: task }, 'spec.holder'],
    ['makes none for what is bound elsewhere', undefined, { owner: theirs, spec: { holder: theirs } }, 'spec.holder'],
    [
      'makes none under a name that is another object now',
      undefined,
      { owner: { ...task, uid: 'x' }, spec: { holder: { ...task, uid: 'x' } } },
      'spec.holder',
    ],
    ['makes none that its holder does not own', undefined, { spec: { holder: task } }, 'metadata.ownerReferences'],
    ["makes none of another's range", undefined, { ...ofTask, spec: { holder: task, nodeName: 'b' } }, 'spec.nodeName'],
    [
      "touches none of another's range",
      { spec: { nodeName: 'b' } },
      { spec: { nodeName: 'b', holder: task }, owner: task },
      'spec.nodeName',
    ],
    ['deletes none that people reserved', { name: 'reserved' }, undefined, 'metadata.ownerReferences'],
    ['gives no reserved one to who does not name it', { name: 'free' }, { name: 'free', spec: { holder: dev } }, 'spec.holder'],
    [
      'takes none from a workload elsewhere',
      { name: 'reserved', spec: { holder: theirs } },
      { name: 'reserved', spec: { holder: dev } },
      'spec.holder',
    ],
    ['changes no address', { spec: { holder: task }, owner: task }, { owner: task, spec: { holder: task, address: '172.30.0.6' } }, 'spec'],
    ['changes no label', ofTask, { ...ofTask, labels: { a: 'b' } }, 'metadata.labels'],
    ['changes no owner', ofTask, { ...ofTask, owner: dev }, 'metadata.ownerReferences'],
  ])('%s', (_case, old, next, field) => {
    expect(refused(old, next)).toContain(field)
  })
})
