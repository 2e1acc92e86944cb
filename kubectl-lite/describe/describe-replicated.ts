import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { printLabelSelector } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import { revisionOf } from '../../lib/api/revisions.js'
import { presentSet } from '../workloads/replica-sets.js'
import { printConditions } from './conditions.js'
import { describeTemplate } from './describe-template.js'
import { headFields } from './head-fields.js'
import { fieldLines } from './text-block.js'

/** A Deployment in words: what was asked for, how far it is, and by which ReplicaSets. */
export function describeDeployment(deployment: Deployment, sets: readonly ReplicaSet[], nowMs: number): string {
  const { spec, status = {} } = deployment
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  const { type, rollingUpdate } = spec.strategy
  const present = presentSet(deployment, sets)
  const old = sets.filter((set) => set !== present && (set.spec.replicas > 0 || (set.status?.replicas ?? 0) > 0))
  return [
    fieldLines([
      ...headFields(deployment, nowMs),
      ['Selector', printLabelSelector(selectorOf(spec.selector))],
      [
        'Replicas',
        `${spec.replicas} desired, ${replicas} there, ${updatedReplicas} updated, ${readyReplicas} ready, ${availableReplicas} available`,
      ],
      ['Strategy', rollingUpdate ? `${type}, at most ${rollingUpdate.maxSurge} more, ${rollingUpdate.maxUnavailable} unavailable` : type],
      ['Min Ready', spec.minReadySeconds > 0 ? `${spec.minReadySeconds}s` : undefined],
      ['Progress Deadline', `${spec.progressDeadlineSeconds}s`],
      ['Paused', spec.paused ? 'true' : undefined],
      ['New ReplicaSet', present ? setText(present) : '<none>'],
      ['Old ReplicaSets', old.length === 0 ? '<none>' : old.map(setText).join('\n')],
    ]),
    describeTemplate(spec.template),
    printConditions(status.conditions, nowMs),
  ].join('')
}

const setText = (set: ReplicaSet) =>
  `${set.metadata.name} (revision ${revisionOf(set)}: ${set.spec.replicas} desired, ${set.status?.replicas ?? 0} there, ${set.status?.availableReplicas ?? 0} available)`

/** A ReplicaSet in words. */
export function describeReplicaSet(set: ReplicaSet, nowMs: number): string {
  const { metadata, spec, status = {} } = set
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  return [
    fieldLines([
      ...headFields(set, nowMs),
      ['Selector', printLabelSelector(selectorOf(spec.selector))],
      ['Controlled By', metadata.ownerReferences?.filter((owner) => owner.controller).map((owner) => `${owner.kind}/${owner.name}`)[0]],
      ['Revision', revisionOf(set) > 0 ? String(revisionOf(set)) : undefined],
      ['Replicas', `${spec.replicas} desired, ${replicas} there, ${readyReplicas} ready, ${availableReplicas} available`],
      ['Min Ready', spec.minReadySeconds > 0 ? `${spec.minReadySeconds}s` : undefined],
    ]),
    describeTemplate(spec.template),
    printConditions(status.conditions, nowMs),
  ].join('')
}
