import { badRequest } from '../../../lib/api/api-error.js'

/** Where the next page of a list begins. Opaque to clients: base64url of JSON, as Kubernetes makes it. */
export interface ContinueToken {
  /** The revision of all pages; -1: the rest at whatever revision is newest then. */
  readonly revision: number
  /** The last object of the page before. */
  readonly after: { readonly namespace: string; readonly name: string }
  /** How many objects follow, where that is known. */
  readonly remaining?: number
}

const version = 'meta.k8s.io/v1'

export function encodeContinueToken(token: ContinueToken): string {
  const { revision, after, remaining } = token
  const start = `${after.namespace}/${after.name}`
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start, ...(remaining === undefined ? {} : { remaining }) })).toString(
    'base64url',
  )
}

/** Throws BadRequest for anything that encodeContinueToken did not make. */
export function decodeContinueToken(text: string): ContinueToken {
  const { v, rv, start, remaining } = parseToken(text)
  if (v !== version) throw badRequest('continue key is not valid: server does not recognize this encoded version')
  const revision = typeof rv === 'number' ? rv : 0
  if (!Number.isSafeInteger(revision) || revision === 0 || revision < -1)
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion')
  const [namespace, name, ...rest] = typeof start === 'string' ? start.split('/') : []
  if (namespace === undefined || !name || rest.length > 0) throw badRequest('continue key is not valid: encoded start key empty or invalid')
  if (remaining === undefined) return { revision, after: { namespace, name } }
  if (!isCount(remaining)) throw badRequest('continue key is not valid: incorrect encoded remaining count')
  return { revision, after: { namespace, name }, remaining }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function parseToken(text: string): Record<string, unknown> {
  if (text.length <= maxTokenLength)
    try {
      const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch {
      // told below
    }
  throw badRequest('continue key is not valid')
}
const maxTokenLength = 2048
