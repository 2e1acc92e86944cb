import { CertificateSigningRequest } from '../../../lib/api/kinds/certificate-signing-request.js'
import type { Store } from '../../storage/store.js'
import type { AccessRequest } from '../authorizer.js'

/** Whether the CertificateSigningRequest that a request names was made by the same user. */
export function isOwnSigningRequest(store: Pick<Store, 'get'>, { name, user }: AccessRequest): boolean {
  const { group, plural: resource } = CertificateSigningRequest
  const stored = name === '' ? undefined : store.get({ group, resource, namespace: '', name })
  return stored !== undefined && (JSON.parse(stored.bytes.toString()) as CertificateSigningRequest).spec.username === user.name
}
