import { defineKind, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

/** There are none, and clients that look for some are told so: `kubectl cluster-info` asks for those of kube-system. */
export const Service = defineKind({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  scope: 'Namespaced',
  description: 'Millrace has no Services: the list is empty, so that clients which ask for it go on. Nothing makes one.',
  spec: t.object({
    type: t.string().describe('How it is reached.').optional(),
  }),
  verbs: ['get', 'list', 'watch'],
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' }],
})
export type Service = Resource<typeof Service>
