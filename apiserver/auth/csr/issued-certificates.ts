import { CertificateSigningRequest, nodeClientSigner } from '../../../lib/api/kinds/certificate-signing-request.js'
import type { Store, StoredObject } from '../../storage/store.js'
import { parseCertificate, validityOf } from '../pki/certificate-facts.js'
import { keyHash } from '../pki/key-hash.js'
import { nodesGroup } from '../user.js'

interface Issued {
  readonly keyHash: string
  readonly notAfterMs: number
}

/** Which keys hold a certificate for a node's name, as the stored CertificateSigningRequests tell. */
export interface IssuedCertificates {
  /** Whether a certificate of another key for the name is still good. */
  hasOther(nodeName: string, keyHash: string, nowMs: number): boolean
}

/** Reads the stored requests when first asked, and follows them from then on. */
export function createIssuedCertificates(store: Pick<Store, 'list' | 'onCommit'>): IssuedCertificates {
  const { group, plural: resource } = CertificateSigningRequest
  let byNode: Map<string, Map<string, Issued>> | undefined

  function follow(): Map<string, Map<string, Issued>> {
    const index = new Map<string, Map<string, Issued>>()
    for (const object of store.list({ group, resource }).objects) add(index, object)
    store.onCommit(({ changes }) => {
      for (const { object } of changes) if (object.key.group === group && object.key.resource === resource) add(index, object)
    })
    return index
  }

  return {
    hasOther(nodeName, key, nowMs) {
      byNode ??= follow()
      return [...(byNode.get(nodeName)?.values() ?? [])].some((issued) => issued.keyHash !== key && issued.notAfterMs > nowMs)
    },
  }
}

/** What was seen is kept: the certificate of a request that is deleted is as good as before. */
function add(index: Map<string, Map<string, Issued>>, stored: StoredObject): void {
  const { spec, status } = JSON.parse(stored.bytes.toString()) as CertificateSigningRequest
  if (spec.signerName !== nodeClientSigner || !status?.certificate) return
  const certificate = parseCertificate(Buffer.from(status.certificate, 'base64').toString())
  const name = certificate?.subject.match(/^CN=system:node:(.+)$/m)?.[1]
  if (!certificate || !name || !certificate.subject.includes(`O=${nodesGroup}`)) return
  const held = index.get(name) ?? new Map<string, Issued>()
  index.set(name, held)
  const hash = keyHash(certificate.publicKey)
  const notAfterMs = Math.max(validityOf(certificate).notAfterMs, held.get(hash)?.notAfterMs ?? 0)
  held.set(hash, { keyHash: hash, notAfterMs })
}
