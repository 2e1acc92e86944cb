/** Field numbers of the messages that are taken as protobuf, from Kubernetes' generated.proto. */
import {
  base64,
  binaries,
  bool,
  int,
  intOrString,
  keptMessage,
  type Message,
  many,
  microTime,
  one,
  optionalBool,
  optionalInt,
  optionalText,
  text,
  texted,
  texts,
  time,
  times,
} from './message-field.js'
import { podTemplateFields } from './pod-template-message.js'

export const unknownEnvelope: Message = {
  1: one('typeMeta', { 1: text('apiVersion'), 2: text('kind') }),
  2: { name: 'raw', type: 'bytes' },
  3: text('contentEncoding'),
  4: text('contentType'),
}

const ownerReference: Message = {
  1: text('kind'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: optionalBool('controller'),
  7: optionalBool('blockOwnerDeletion'),
}

const managedFieldsEntry: Message = {
  1: text('manager'),
  2: text('operation'),
  3: text('apiVersion'),
  4: time('time'),
  6: text('fieldsType'),
  7: { name: 'fieldsV1', type: 'wrappedJson' },
  8: text('subresource'),
}

const objectMeta: Message = {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  4: text('selfLink'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: int('generation'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  10: optionalInt('deletionGracePeriodSeconds'),
  11: texted('labels'),
  12: texted('annotations'),
  13: many('ownerReferences', ownerReference),
  14: texts('finalizers'),
  17: many('managedFields', managedFieldsEntry),
}
const metadata = one('metadata', objectMeta)
const podTemplate = one('template', podTemplateFields(metadata))

const condition: Message = {
  1: text('type'),
  2: text('status'),
  4: time('lastTransitionTime'),
  5: text('reason'),
  6: text('message'),
}

const namespace: Message = {
  1: metadata,
  2: one('spec', { 1: texts('finalizers') }),
  3: one('status', { 1: text('phase'), 2: many('conditions', condition) }),
}

const configMap: Message = { 1: metadata, 2: texted('data'), 3: binaries('binaryData'), 4: optionalBool('immutable') }

const secret: Message = { 1: metadata, 2: binaries('data'), 3: text('type'), 4: texted('stringData'), 5: optionalBool('immutable') }

const objectReference: Message = {
  1: text('kind'),
  2: text('namespace'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: text('resourceVersion'),
  7: text('fieldPath'),
}

const event: Message = {
  1: metadata,
  2: one('involvedObject', objectReference),
  3: text('reason'),
  4: text('message'),
  5: one('source', { 1: text('component'), 2: text('host') }),
  6: time('firstTimestamp'),
  7: time('lastTimestamp'),
  8: int('count'),
  9: text('type'),
  10: microTime('eventTime'),
  11: one('series', { 1: int('count'), 2: microTime('lastObservedTime') }),
  12: text('action'),
  13: one('related', objectReference),
  14: text('reportingComponent'),
  15: text('reportingInstance'),
}

const lease: Message = {
  1: metadata,
  2: one('spec', {
    1: optionalText('holderIdentity'),
    2: optionalInt('leaseDurationSeconds'),
    3: microTime('acquireTime'),
    4: microTime('renewTime'),
    5: optionalInt('leaseTransitions'),
    6: optionalText('strategy'),
    7: optionalText('preferredHolder'),
  }),
}

const certificateSigningRequest: Message = {
  1: metadata,
  2: one('spec', {
    1: base64('request'),
    2: text('username'),
    3: text('uid'),
    4: texts('groups'),
    5: texts('usages'),
    7: text('signerName'),
    8: optionalInt('expirationSeconds'),
  }),
  3: one('status', {
    1: many('conditions', {
      1: text('type'),
      2: text('reason'),
      3: text('message'),
      5: time('lastTransitionTime'),
      6: text('status'),
    }),
    2: base64('certificate'),
  }),
}

const rule: Message = {
  1: texts('verbs'),
  2: texts('apiGroups'),
  3: texts('resources'),
  4: texts('resourceNames'),
  5: texts('nonResourceURLs'),
}

const labelSelector: Message = {
  1: texted('matchLabels'),
  2: many('matchExpressions', { 1: text('key'), 2: text('operator'), 3: texts('values') }),
}

const binding: Message = {
  1: metadata,
  2: many('subjects', { 1: text('kind'), 2: text('apiGroup'), 3: text('name'), 4: text('namespace') }),
  3: one('roleRef', { 1: text('apiGroup'), 2: text('kind'), 3: text('name') }),
}

const tokenRequest: Message = {
  1: metadata,
  2: one('spec', {
    1: texts('audiences'),
    3: one('boundObjectRef', { 1: text('kind'), 2: text('apiVersion'), 3: text('name'), 4: text('uid') }),
    4: optionalInt('expirationSeconds'),
  }),
}

const requested = {
  1: one('resourceAttributes', {
    1: text('namespace'),
    2: text('verb'),
    3: text('group'),
    4: text('version'),
    5: text('resource'),
    6: text('subresource'),
    7: text('name'),
  }),
  2: one('nonResourceAttributes', { 1: text('path'), 2: text('verb') }),
}

const subjectAccessReview: Message = {
  1: metadata,
  2: one('spec', { ...requested, 3: text('user'), 4: texts('groups'), 6: text('uid') }),
}

const replicaCondition: Message = {
  1: text('type'),
  2: text('status'),
  3: time('lastTransitionTime'),
  4: text('reason'),
  5: text('message'),
}

const replicaSet: Message = {
  1: metadata,
  2: one('spec', { 1: optionalInt('replicas'), 2: one('selector', labelSelector), 3: podTemplate, 4: int('minReadySeconds') }),
  3: one('status', {
    1: int('replicas'),
    2: int('fullyLabeledReplicas'),
    3: int('observedGeneration'),
    4: int('readyReplicas'),
    5: int('availableReplicas'),
    6: many('conditions', replicaCondition),
  }),
}

const rollingUpdate: Message = { 1: intOrString('maxUnavailable'), 2: intOrString('maxSurge') }

const deployment: Message = {
  1: metadata,
  2: one('spec', {
    1: optionalInt('replicas'),
    2: one('selector', labelSelector),
    3: podTemplate,
    4: one('strategy', { 1: text('type'), 2: keptMessage('rollingUpdate', rollingUpdate) }),
    5: int('minReadySeconds'),
    6: optionalInt('revisionHistoryLimit'),
    7: bool('paused'),
    9: optionalInt('progressDeadlineSeconds'),
  }),
  3: one('status', {
    1: int('observedGeneration'),
    2: int('replicas'),
    3: int('updatedReplicas'),
    4: int('availableReplicas'),
    5: int('unavailableReplicas'),
    6: many('conditions', {
      1: text('type'),
      2: text('status'),
      4: text('reason'),
      5: text('message'),
      7: time('lastTransitionTime'),
    }),
    7: int('readyReplicas'),
    8: optionalInt('collisionCount'),
  }),
}

const podDisruptionBudget: Message = {
  1: metadata,
  2: one('spec', {
    1: intOrString('minAvailable'),
    2: keptMessage('selector', labelSelector),
    3: intOrString('maxUnavailable'),
    4: optionalText('unhealthyPodEvictionPolicy'),
  }),
  3: one('status', {
    1: int('observedGeneration'),
    2: times('disruptedPods'),
    3: int('disruptionsAllowed'),
    4: int('currentHealthy'),
    5: int('desiredHealthy'),
    6: int('expectedPods'),
    7: many('conditions', { ...condition, 3: int('observedGeneration') }),
  }),
}

export const deleteOptions: Message = {
  1: optionalInt('gracePeriodSeconds'),
  2: one('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
  3: optionalBool('orphanDependents'),
  4: text('propagationPolicy'),
  5: texts('dryRun'),
}

/** By `apiVersion/kind`. */
export const rootMessages: ReadonlyMap<string, Message> = new Map([
  ['v1/Namespace', namespace],
  ['v1/ConfigMap', configMap],
  ['v1/Secret', secret],
  ['v1/Event', event],
  ['apps/v1/Deployment', deployment],
  ['apps/v1/ReplicaSet', replicaSet],
  ['policy/v1/PodDisruptionBudget', podDisruptionBudget],
  ['policy/v1/Eviction', { 1: metadata, 2: one('deleteOptions', deleteOptions) }],
  ['v1/Binding', { 1: metadata, 2: one('target', objectReference) }],
  ['coordination.k8s.io/v1/Lease', lease],
  ['certificates.k8s.io/v1/CertificateSigningRequest', certificateSigningRequest],
  ['authentication.k8s.io/v1/TokenRequest', tokenRequest],
  ['authentication.k8s.io/v1/SelfSubjectReview', { 1: metadata }],
  ['authentication.k8s.io/v1/TokenReview', { 1: metadata, 2: one('spec', { 1: text('token'), 2: texts('audiences') }) }],
  ['authorization.k8s.io/v1/SelfSubjectAccessReview', { 1: metadata, 2: one('spec', requested) }],
  ['authorization.k8s.io/v1/SubjectAccessReview', subjectAccessReview],
  ['authorization.k8s.io/v1/LocalSubjectAccessReview', subjectAccessReview],
  ['authorization.k8s.io/v1/SelfSubjectRulesReview', { 1: metadata, 2: one('spec', { 1: text('namespace') }) }],
  ['v1/ServiceAccount', { 1: metadata, 2: many('secrets', objectReference), 4: optionalBool('automountServiceAccountToken') }],
  ['rbac.authorization.k8s.io/v1/Role', { 1: metadata, 2: many('rules', rule) }],
  [
    'rbac.authorization.k8s.io/v1/ClusterRole',
    { 1: metadata, 2: many('rules', rule), 3: one('aggregationRule', { 1: many('clusterRoleSelectors', labelSelector) }) },
  ],
  ['rbac.authorization.k8s.io/v1/RoleBinding', binding],
  ['rbac.authorization.k8s.io/v1/ClusterRoleBinding', binding],
])
