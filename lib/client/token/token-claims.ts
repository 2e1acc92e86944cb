import { bindableResources } from '../../api/kinds/token-request.js'

/** What a ServiceAccount's token says of itself. Nothing here is verified: that is the server's work. */
export interface TokenClaims {
  readonly namespace: string
  /** The ServiceAccount. */
  readonly name: string
  readonly audiences: readonly string[]
  /** The object that it ends with. */
  readonly bound?: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string }
  /** Wall-clock times, milliseconds. */
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** The claims of a ServiceAccount's token that ends; undefined for any other. */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const [, payload, signature] = token.split('.')
  if (!payload || !signature) return undefined
  try {
    const { iat, exp, aud, 'kubernetes.io': about } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const { namespace, serviceaccount, warnafter: _warnAfter, ...others } = about ?? {}
    if (![iat, exp].every(Number.isFinite) || typeof namespace !== 'string' || typeof serviceaccount?.name !== 'string') return undefined
    const bound = Object.entries(others).map(([claim, named]) => boundObject(claim, named as { name: string; uid: string }))
    if (bound.length > 1 || bound.includes(undefined)) return undefined
    return {
      namespace,
      name: serviceaccount.name,
      audiences: Array.isArray(aud) ? aud : [],
      ...(bound[0] ? { bound: bound[0] } : {}),
      issuedAtMs: iat * 1000,
      expiresAtMs: exp * 1000,
    }
  } catch {
    return undefined
  }
}

function boundObject(claim: string, { name, uid }: { name: string; uid: string }): TokenClaims['bound'] {
  const [target] = Object.entries(bindableResources).find(([, resource]) => resource.claim === claim) ?? []
  if (target === undefined) return undefined
  const [, apiVersion = '', kind = ''] = /^(.*)\/(\w+)$/.exec(target) ?? []
  return { apiVersion, kind, name, uid }
}
