import { invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type IntOrPercent, percentOf, validateIntOrPercent } from '../int-or-percent.js'
import { LabelSelectorSchema, validateSelector } from '../label-selector-object.js'
import { type Output, t } from '../schema/t.js'

const SpecSchema = t.object({
  minAvailable: t
    .intOrString()
    .describe('How many must stay healthy after an eviction: a number, or a percentage of those that there should be.')
    .optional(),
  maxUnavailable: t
    .intOrString()
    .describe('How many may be unhealthy after an eviction: a number, or a percentage of those that there should be.')
    .optional(),
  selector: LabelSelectorSchema.describe('Which Tasks of the namespace: none without a selector, all with an empty one.').optional(),
  unhealthyPodEvictionPolicy: t
    .oneOf('IfHealthyBudget', 'AlwaysAllow')
    .describe(
      'When Tasks that run and are not ready may be evicted. IfHealthyBudget, as when unset: while as many are healthy as must be. AlwaysAllow: always.',
    )
    .optional(),
})

export const PodDisruptionBudget = defineKind({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  scope: 'Namespaced',
  description:
    'How many of the Tasks that it selects stay up when people evict them, as `drain` does. A Task is what clients see as a Pod.',
  spec: SpecSchema,
  status: t.object({
    observedGeneration: t.integer().describe('The generation that the counts are for; before they are, nothing is evicted.').optional(),
    disruptedPods: t.map(t.time()).describe('Tasks whose eviction was allowed and has not been seen to begin, and since when.').optional(),
    disruptionsAllowed: t.integer().describe('How many may be evicted now.').with({ minimum: 0, format: 'int32' }).optional(),
    currentHealthy: t.integer().describe('How many are healthy.').with({ minimum: 0, format: 'int32' }).optional(),
    desiredHealthy: t.integer().describe('How many must be.').with({ minimum: 0, format: 'int32' }).optional(),
    expectedPods: t.integer().describe('How many there should be.').with({ minimum: 0, format: 'int32' }).optional(),
    conditions: ConditionsSchema.optional(),
  }),
  subresources: ['status'],
  conditions: ['DisruptionAllowed'],
  columns: [
    { name: 'Min Available', jsonPath: '.spec.minAvailable', description: 'How many must stay healthy.' },
    { name: 'Max Unavailable', jsonPath: '.spec.maxUnavailable', description: 'How many may be unhealthy.' },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      jsonPath: '.status.disruptionsAllowed',
      description: 'How many may be evicted now.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  // A write of the status alone leaves the spec as the same value.
  validate: ({ spec }, old) => (spec === old?.spec ? [] : validateSpec(spec as Output<typeof SpecSchema>)),
})
export type PodDisruptionBudget = Resource<typeof PodDisruptionBudget>
export type PodDisruptionBudgetManifest = Manifest<typeof PodDisruptionBudget>
export type PodDisruptionBudgetStatus = NonNullable<PodDisruptionBudget['status']>

function validateSpec(spec: Output<typeof SpecSchema>): StatusCause[] {
  const { minAvailable, maxUnavailable, selector } = spec
  return [
    ...boundCauses(spec),
    ...(minAvailable === undefined ? [] : countCauses(minAvailable, 'spec.minAvailable')),
    ...(maxUnavailable === undefined ? [] : countCauses(maxUnavailable, 'spec.maxUnavailable')),
    ...(selector ? validateSelector(selector, 'spec.selector') : []),
  ]
}

function boundCauses({ minAvailable, maxUnavailable }: Output<typeof SpecSchema>): StatusCause[] {
  if (minAvailable === undefined && maxUnavailable === undefined) return [requiredValue('spec', 'one of minAvailable and maxUnavailable')]
  if (minAvailable === undefined || maxUnavailable === undefined) return []
  return [invalidValue('spec', { minAvailable, maxUnavailable }, 'minAvailable and maxUnavailable cannot be both set')]
}

function countCauses(value: IntOrPercent, field: string): StatusCause[] {
  const causes = validateIntOrPercent(value, field)
  return (percentOf(value) ?? 0) > 100 ? [...causes, invalidValue(field, value, 'must not be greater than 100%')] : causes
}
