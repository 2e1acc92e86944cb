import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

/** A node that has proved its name, and until when. */
export interface CertifiedNode {
  readonly name: string
  readonly notAfterMs: number
}

const nodesGroup = 'system:nodes'
const userPrefix = 'system:node:'

/**
 * The node that a verified client certificate names: one user `system:node:NAME` in the group system:nodes. Undefined for every other one.
 */
export function nodeOfCertificate(certificate: PeerCertificate | DetailedPeerCertificate | undefined): CertifiedNode | undefined {
  if (!certificate?.subject) return undefined
  const [user = '', ...further] = valuesOf(certificate.subject.CN)
  if (further.length > 0 || !user.startsWith(userPrefix) || user === userPrefix) return undefined
  if (!valuesOf(certificate.subject.O).includes(nodesGroup)) return undefined
  return { name: user.slice(userPrefix.length), notAfterMs: Date.parse(certificate.valid_to) }
}

/** Node gives a repeated attribute as an array, though its types say a string. */
function valuesOf(attribute: string | readonly string[] | undefined): readonly string[] {
  if (attribute === undefined) return []
  return typeof attribute === 'string' ? [attribute] : attribute
}
