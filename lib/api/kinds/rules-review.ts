import { requiredValue } from '../api-error.js'
import { defineKind, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'
import { authorizationGroup } from './access-review.js'

const strings = (description: string) => t.list(t.string()).describe(description)

export const SelfSubjectRulesReview = defineKind({
  group: authorizationGroup,
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  description: 'Asks for all that one may do in a namespace.',
  spec: t.object({ namespace: t.string().describe('The namespace.').optional() }),
  status: t.object({
    resourceRules: t
      .list(
        t.object({
          verbs: strings('What is allowed.'),
          apiGroups: strings('The groups of the resources.').optional(),
          resources: strings('The resources.').optional(),
          resourceNames: strings('The only names; none: all.').optional(),
        }),
      )
      .describe('What is allowed with resources.'),
    nonResourceRules: t
      .list(t.object({ verbs: strings('What is allowed.'), nonResourceURLs: strings('The paths.').optional() }))
      .describe('What is allowed with paths.'),
    incomplete: t.boolean().describe('Whether there is more that no list can say.'),
    evaluationError: t.string().describe('What the list leaves out.').optional(),
  }),
  verbs: ['create'],
  validate: ({ spec }) => ((spec as { namespace?: string }).namespace ? [] : [requiredValue('spec.namespace')]),
})
export type SelfSubjectRulesReview = Resource<typeof SelfSubjectRulesReview>
