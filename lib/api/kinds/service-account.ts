import { notSupported } from '../api-error.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

export const ServiceAccount = defineKind({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'Namespaced',
  description: 'An identity for programs: `kubectl create token` makes tokens that stand for it.',
  fields: {
    secrets: t
      .listMap(['name'], t.object({ name: t.string().describe('The name of a Secret.') }))
      .describe('Secrets that belong to it, for people to know.')
      .optional(),
    automountServiceAccountToken: t
      .boolean()
      .describe('Whether workloads get a token by themselves: only false is supported. Request a token where one is needed.')
      .optional(),
  },
  validate: ({ automountServiceAccountToken: automount }) =>
    automount === true ? [notSupported('automountServiceAccountToken', automount, 'workloads get no tokens by themselves')] : [],
  subresources: ['token'],
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' }],
})
export type ServiceAccount = Resource<typeof ServiceAccount>
export type ServiceAccountManifest = Manifest<typeof ServiceAccount>

/** Each namespace has one of this name. */
export const defaultServiceAccount = 'default'
