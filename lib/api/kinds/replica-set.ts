import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { LabelSelectorSchema } from '../label-selector-object.js'
import { PodTemplateSchema } from '../pod-template/pod-template.js'
import { validateReplicated } from '../pod-template/validate-replicated.js'
import { t } from '../schema/t.js'

/** Kubernetes counts replicas and seconds in 32 bits, and its clients refuse more. */
export const count = (description: string) =>
  t
    .integer()
    .describe(description)
    .with({ minimum: 0, maximum: 2 ** 31 - 1 })

/** What Deployment and ReplicaSet share. */
export const replicatedFields = {
  replicas: count('How many Tasks there shall be.').default(1),
  minReadySeconds: count('Seconds that a Task must have been ready to count as available.').default(0),
  selector: LabelSelectorSchema.describe('Which Tasks are its own, by their labels. It is not changed later.').with({
    'x-kubernetes-map-type': 'atomic',
  }),
  template: PodTemplateSchema.describe('What each Task is made from: a Pod template with one container.'),
} as const

export const ReplicaSet = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'A number of equal Tasks that is kept: what ends is made anew. A Deployment makes one for each of its templates.',
  spec: t.object(replicatedFields),
  status: t.object({
    replicas: t.integer().describe('How many Tasks there are.').optional(),
    fullyLabeledReplicas: t.integer().describe('How many of them have all labels of the template.').optional(),
    readyReplicas: t.integer().describe('How many of them are ready.').optional(),
    availableReplicas: t.integer().describe('How many of them have been ready for minReadySeconds.').optional(),
    observedGeneration: t.integer().describe('The generation that the controller has acted on.').optional(),
  }),
  conditions: ['ReplicaFailure'],
  subresources: ['status', 'scale'],
  scale: { specReplicas: ['spec', 'replicas'], statusReplicas: ['status', 'replicas'], selector: ['spec', 'selector'] },
  columns: [
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas', description: 'How many Tasks there shall be.' },
    { name: 'Current', type: 'integer', jsonPath: '.status.replicas', description: 'How many Tasks there are.' },
    { name: 'Ready', type: 'integer', jsonPath: '.status.readyReplicas', description: 'How many of them are ready.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Containers', jsonPath: '.spec.template.spec.containers[*].name', priority: 1, description: 'The name of the container.' },
    { name: 'Images', jsonPath: '.spec.template.spec.containers[*].image', priority: 1, description: 'The image of the container.' },
    { name: 'Selector', jsonPath: '.spec.selector', priority: 1, description: 'Which Tasks are its own.' },
  ],
  nameRule: 'label',
  validate: validateReplicated,
})
export type ReplicaSet = Resource<typeof ReplicaSet>
export type ReplicaSetManifest = Manifest<typeof ReplicaSet>
