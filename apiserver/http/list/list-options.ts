import { badRequest, forbiddenField, invalid, type StatusCause } from '../../../lib/api/api-error.js'
import { parseBoolean, parseRevision, parseSeconds } from '../wire/query-values.js'
import { type ContinueToken, decodeContinueToken } from './continue-token.js'

/** Which state a list shows. */
export type ListAt =
  | { readonly type: 'latest'; readonly notOlderThan: number }
  | { readonly type: 'exact'; readonly revision: number }
  | { readonly type: 'continue'; readonly token: ContinueToken }

export interface ListOptions {
  /** 0: all. */
  readonly limit: number
  readonly at: ListAt
}

/** Reads limit, continue, resourceVersion and resourceVersionMatch. Throws BadRequest or Invalid. */
export function parseListOptions(query: URLSearchParams): ListOptions {
  const text = (name: string) => query.get(name) ?? ''
  const limit = parseLimit(text('limit'))
  // These are for watches alone, which a client may ask for in the same words; they must make sense all the same.
  parseBoolean(query, 'allowWatchBookmarks')
  parseSeconds(query, 'timeoutSeconds')
  const [token, version, match] = [text('continue'), text('resourceVersion'), text('resourceVersionMatch')]
  refuseCombinations({ token, version, match, sendInitialEvents: text('sendInitialEvents') })
  if (token !== '') {
    if (version !== '' && version !== '0') throw badRequest('specifying resource version is not allowed when using continue')
    return { limit, at: { type: 'continue', token: decodeContinueToken(token) } }
  }
  if (version === '' || version === '0') return { limit, at: { type: 'latest', notOlderThan: 0 } }
  const revision = parseRevision(version, 'resourceVersion')
  if (match === 'Exact' || (match === '' && limit > 0)) return { limit, at: { type: 'exact', revision } }
  return { limit, at: { type: 'latest', notOlderThan: revision } }
}

function refuseCombinations(asked: { token: string; version: string; match: string; sendInitialEvents: string }): void {
  const { token, version, match } = asked
  const causes: StatusCause[] = []
  const refuse = (field: string, why: string) => causes.push(forbiddenField(field, why))
  if (asked.sendInitialEvents !== '') refuse('sendInitialEvents', 'sendInitialEvents is forbidden for list')
  if (match !== '') {
    if (token !== '') refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')
    else if (version === '') refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')
    else if (match === 'Exact' && version === '0')
      refuse('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if (match !== 'Exact' && match !== 'NotOlderThan')
      causes.push({
        reason: 'FieldValueNotSupported',
        field: 'resourceVersionMatch',
        message: `Unsupported value: ${JSON.stringify(match.slice(0, 100))}: supported values: "Exact", "NotOlderThan"`,
      })
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', resource: '', kind: 'ListOptions' }, causes)
}

function parseLimit(text: string): number {
  if (text === '') return 0
  if (!/^[0-9]{1,9}$/.test(text))
    throw badRequest(`limit: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a number that is not negative`)
  return Number(text)
}
