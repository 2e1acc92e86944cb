import { ApiError, badRequest } from '../../../lib/api/api-error.js'

/** How the client wants objects: as they are, as rows of a table, or their metadata alone. */
export type Shape =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly includeObject: 'None' | 'Metadata' | 'Object' }
  | { readonly as: 'metadata' }

export interface Negotiated {
  readonly shape: Shape
  /** The dressing of a watch. */
  readonly stream: 'json' | 'sse'
}

const plain: Negotiated = { shape: { as: 'object' }, stream: 'json' }

/**
 * Reads `Accept`: the first type of the list that can be served wins. Throws NotAcceptable when none can. `text/event-stream` is served for
 * watches alone.
 */
export function negotiate(accept: string | undefined, query: URLSearchParams, isWatch: boolean): Negotiated {
  if (acceptsPlain(accept)) return plain
  for (const { type, parameters } of candidates(accept)) {
    if (isWatch && type === 'text/event-stream') return { shape: { as: 'object' }, stream: 'sse' }
    const shape = isJson(type) ? shapeOf(parameters, query) : undefined
    if (shape) return { shape, stream: 'json' }
  }
  throw notAcceptable(isWatch ? 'application/json, text/event-stream' : 'application/json')
}

/** For answers that have no other shape than their own. Throws NotAcceptable when the client takes only others. */
export function requirePlain(accept: string | undefined): void {
  if (acceptsPlain(accept)) return
  const takes = candidates(accept).some(
    ({ type, parameters }) => isJson(type) && !parameters.some((parameter) => parameter.startsWith('as=')),
  )
  if (!takes) throw notAcceptable('application/json')
}

const acceptsPlain = (accept: string | undefined): boolean =>
  accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json'

function candidates(accept: string | undefined) {
  return (accept ?? '').split(',', maxCandidates).map((candidate) => {
    const [type = '', ...parameters] = candidate.split(';').map((part) => part.trim().toLowerCase())
    return { type, parameters }
  })
}

const isJson = (type: string) => type === 'application/json' || type === 'application/*' || type === '*/*'

const notAcceptable = (types: string) => new ApiError('NotAcceptable', `only the following media types are accepted: ${types}`)

const maxCandidates = 32

function shapeOf(parameters: readonly string[], query: URLSearchParams): Shape | undefined {
  const value = (name: string) => parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
  const as = value('as')
  if (as === undefined) return { as: 'object' }
  if (value('g') !== 'meta.k8s.io' || value('v') !== 'v1') return undefined
  if (as === 'table') return { as: 'table', includeObject: includeObjectOf(query) }
  if (as === 'partialobjectmetadata' || as === 'partialobjectmetadatalist') return { as: 'metadata' }
  return undefined
}

function includeObjectOf(query: URLSearchParams): 'None' | 'Metadata' | 'Object' {
  const asked = query.get('includeObject')
  if (asked === null || asked === '') return 'Metadata'
  if (asked === 'None' || asked === 'Object' || asked === 'Metadata') return asked
  throw badRequest(`includeObject: Invalid value: ${JSON.stringify(asked.slice(0, 100))}: must be Metadata, Object or None`)
}
