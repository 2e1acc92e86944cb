import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

export const Namespace = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  description: 'A room for names: objects of one namespace are listed, secured and deleted together.',
  spec: t
    .object({ finalizers: t.set(t.string()).describe('Who must empty the namespace before it goes.').optional() })
    .describe('The desired state of the namespace.')
    .default({}),
  status: t.object({
    phase: t.oneOf('Active', 'Terminating').describe('Whether the namespace is being deleted.').optional(),
    conditions: ConditionsSchema.optional(),
  }),
  subresources: ['status', 'finalize'],
  conditions: ['NamespaceDeletionContentFailure', 'NamespaceContentRemaining', 'NamespaceFinalizersRemaining'],
  columns: [
    { name: 'Status', jsonPath: '.status.phase', description: 'Active or Terminating.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  selectable: ['status.phase'],
  nameRule: 'label',
})
export type Namespace = Resource<typeof Namespace>
export type NamespaceManifest = Manifest<typeof Namespace>

/** Made at first start, and never deleted. */
export const builtinNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'millrace-streams'] as const

/** `baseline` (default) or `privileged`: whether hostPath, privileged, backends without isolation and any port for Tunnels are admitted. */
export const securityLabel = 'millrace.dev/security'
