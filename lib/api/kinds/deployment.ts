import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { validateDeployment } from './deployment-validation.js'
import { count, replicatedFields } from './replica-set.js'

const StrategySchema = t.object({
  type: t
    .oneOf('RollingUpdate', 'Recreate')
    .describe('RollingUpdate: new Tasks replace old ones step by step; Recreate: all old ones end first.')
    .default('RollingUpdate'),
  rollingUpdate: t
    .object({
      maxSurge: t
        .intOrString()
        .describe('How many Tasks there may be above replicas, as a number or as a percentage, rounded up.')
        .default('25%'),
      maxUnavailable: t
        .intOrString()
        .describe('How many of replicas may be unavailable, as a number or as a percentage, rounded down.')
        .default('25%'),
    })
    .describe('How far a rolling update may go at once. Default with RollingUpdate: 25 % of each.')
    .optional(),
})
export type DeploymentStrategy = Output<typeof StrategySchema>

const DeploymentSpecSchema = t.object({
  ...replicatedFields,
  strategy: StrategySchema.describe('How old Tasks are replaced by new ones.').default({}),
  paused: t.boolean().describe('Whether changes of the template wait.').optional(),
  revisionHistoryLimit: count('How many old ReplicaSets are kept for rollbacks.').default(10),
  progressDeadlineSeconds: count('Seconds without progress after which a rollout counts as failed; more than minReadySeconds.').default(
    600,
  ),
})
export type DeploymentSpec = Output<typeof DeploymentSpecSchema>

export const Deployment = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'Equal Tasks that are replaced when their template changes, step by step, with a way back.',
  spec: DeploymentSpecSchema,
  status: t.object({
    observedGeneration: t.integer().describe('The generation that the controller has acted on.').optional(),
    replicas: t.integer().describe('How many Tasks there are.').optional(),
    updatedReplicas: t.integer().describe('How many of them have the present template.').optional(),
    readyReplicas: t.integer().describe('How many of them are ready.').optional(),
    availableReplicas: t.integer().describe('How many of them have been ready for minReadySeconds.').optional(),
    unavailableReplicas: t.integer().describe('How many more must become available.').optional(),
    collisionCount: t.integer().describe('How often the name of a new ReplicaSet was taken.').optional(),
  }),
  conditions: ['Available', 'Progressing', 'ReplicaFailure'],
  subresources: ['status', 'scale'],
  scale: { specReplicas: ['spec', 'replicas'], statusReplicas: ['status', 'replicas'], selector: ['spec', 'selector'] },
  columns: [
    { name: 'Ready', jsonPath: '.status.readyReplicas', description: 'Ready Tasks of those that there shall be.' },
    { name: 'Up-to-date', type: 'integer', jsonPath: '.status.updatedReplicas', description: 'Tasks with the present template.' },
    {
      name: 'Available',
      type: 'integer',
      jsonPath: '.status.availableReplicas',
      description: 'Tasks that have been ready for minReadySeconds.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Containers', jsonPath: '.spec.template.spec.containers[*].name', priority: 1, description: 'The name of the container.' },
    { name: 'Images', jsonPath: '.spec.template.spec.containers[*].image', priority: 1, description: 'The image of the container.' },
    { name: 'Selector', jsonPath: '.spec.selector', priority: 1, description: 'Which Tasks are its own.' },
  ],
  nameRule: 'label',
  validate: validateDeployment,
})
export type Deployment = Resource<typeof Deployment>
export type DeploymentManifest = Manifest<typeof Deployment>
