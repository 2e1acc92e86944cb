import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

export const Lease = defineKind({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  scope: 'Namespaced',
  description: 'A claim that is renewed: a heartbeat of a node, or the election of a leader.',
  spec: t
    .object({
      holderIdentity: t.string().describe('Who holds it.').optional(),
      leaseDurationSeconds: t.integer().describe('Seconds without a renewal after which others may take it.').optional(),
      acquireTime: t.time().describe('When the holder took it.').optional(),
      renewTime: t.time().describe('When the holder last renewed it.').optional(),
      leaseTransitions: t.integer().describe('How often the holder changed.').optional(),
      strategy: t.string().describe('Not used.').optional(),
      preferredHolder: t.string().describe('Not used.').optional(),
    })
    .default({}),
  columns: [
    { name: 'Holder', jsonPath: '.spec.holderIdentity', description: 'Who holds it.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  history: 'none',
  createOnUpdate: true,
})
export type Lease = Resource<typeof Lease>
export type LeaseManifest = Manifest<typeof Lease>

/** The namespace of the nodes' heartbeats; a Lease there has the node's name. */
export const nodeLeaseNamespace = 'kube-node-lease'

/** The namespace where gateways announce themselves: agents dial each that has a Lease there. */
export const streamNamespace = 'millrace-streams'
