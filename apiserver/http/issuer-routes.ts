import { Router } from 'express'
import type { ServerParts } from './server-parts.js'

const keySetPath = '/openid/v1/jwks'

/** What others need to verify ServiceAccounts' tokens by themselves (OpenID Connect Discovery 1.0, as far as Kubernetes has it). */
export function issuerRoutes({ tokens: { serviceAccounts } }: ServerParts): Router {
  const { issuer } = serviceAccounts
  const routes = Router()
  routes.get('/.well-known/openid-configuration', (_request, response) => {
    response.json({
      issuer,
      jwks_uri: new URL(keySetPath, issuer).href,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })
  routes.get(keySetPath, (_request, response) => {
    response.type('application/jwk-set+json').send(JSON.stringify(serviceAccounts.keySet()))
  })
  return routes
}
