import { CertificateSigningRequest } from '../../../lib/api/kinds/certificate-signing-request.js'
import type { Store } from '../../storage/store.js'
import type { Authorizer } from '../authorizer.js'
import { isOwnSigningRequest } from '../csr/own-signing-request.js'
import { joinTokenIdOf } from './join-token.js'

/** The bearer of a join token may ask for a certificate and read the answer. */
export function createBootstrapAuthorizer(store: Pick<Store, 'get'>): Authorizer {
  return {
    authorize(request) {
      const { user, group, resource, subresource, verb } = request
      const aboutSigning = group === CertificateSigningRequest.group && resource === CertificateSigningRequest.plural && subresource === ''
      if (!aboutSigning || joinTokenIdOf(user) === undefined) return { allowed: false, reason: '' }
      const allowed = verb === 'create' || (verb === 'get' && isOwnSigningRequest(store, request))
      return { allowed, reason: allowed ? 'bootstrap: its own request' : '' }
    },
  }
}
