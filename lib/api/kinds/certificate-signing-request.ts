import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

export const CertificateSigningRequest = defineKind({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  scope: 'Cluster',
  description: 'Asks the cluster to sign a certificate.',
  spec: t.object({
    request: t.bytes().describe('The PEM certificate request, base64.'),
    signerName: t.string().describe('Who shall sign: kubernetes.io/kube-apiserver-client-kubelet for node agents.'),
    usages: t.list(t.string()).describe('What the certificate is for: digital signature, client auth.').optional(),
    expirationSeconds: t.integer().describe('Seconds that the certificate shall be valid.').with({ minimum: 600 }).optional(),
    username: t.string().describe('Who asked; set by the server.').optional(),
    uid: t.string().describe('The uid of who asked; set by the server.').optional(),
    groups: t.list(t.string()).describe('The groups of who asked; set by the server.').optional(),
  }),
  status: t.object({
    certificate: t.bytes().describe('The signed PEM chain, base64.').optional(),
    conditions: ConditionsSchema.optional(),
  }),
  subresources: ['status', 'approval'],
  conditions: ['Approved', 'Denied', 'Failed'],
  columns: [
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'SignerName', jsonPath: '.spec.signerName', description: 'Who shall sign.' },
    { name: 'Requestor', jsonPath: '.spec.username', description: 'Who asked.' },
    { name: 'Condition', jsonPath: '.status.conditions[-1:].type', description: 'Approved, Denied or Failed.' },
  ],
  selectable: ['spec.signerName'],
})
export type CertificateSigningRequest = Resource<typeof CertificateSigningRequest>
export type CertificateSigningRequestManifest = Manifest<typeof CertificateSigningRequest>

/** The signer of node agents' client certificates. */
export const nodeClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
