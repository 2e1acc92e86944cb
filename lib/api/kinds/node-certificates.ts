import { nodeLeaseNamespace } from './lease.js'

/**
 * Whose name is taken: for each node, a ConfigMap of its name in kube-node-lease says which keys hold a certificate for it, and until when.
 * Written before a certificate is signed, so it outlives the CertificateSigningRequest. Whoever deletes it gives the name back.
 */
export const nodeCertificatesLabel = 'millrace.dev/node-certificates'

export const nodeCertificatesNamespace = nodeLeaseNamespace

/** Ends of certificates, RFC 3339, by the hash of their key. */
export type NodeCertificates = Readonly<Record<string, string>>

/** Those that are still good. */
export function goodCertificates(certificates: NodeCertificates, nowMs: number): NodeCertificates {
  return Object.fromEntries(Object.entries(certificates).filter(([, end]) => Date.parse(end) > nowMs))
}
