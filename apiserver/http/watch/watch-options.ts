import { forbiddenField, invalid, type StatusCause } from '../../../lib/api/api-error.js'
import { parseBoolean, parseRevision, parseSeconds } from '../wire/query-values.js'

/** What a watch begins with. */
export interface WatchStart {
  /** Send the current state as ADDED first. */
  readonly initialState: boolean
  /** Send a bookmark marked as the end of the initial state. */
  readonly initialEndBookmark: boolean
  /** Then the changes after this revision; undefined: after the initial state, or after now. */
  readonly after: number | undefined
}

export interface WatchOptions {
  readonly start: WatchStart
  readonly allowBookmarks: boolean
  /** Undefined: the server's choice. */
  readonly timeoutSeconds: number | undefined
}

/**
 * Reads a watch's parameters. `Last-Event-ID` overrides where it starts. Throws BadRequest for values that cannot be read, and Invalid for
 * combinations that mean nothing.
 */
export function parseWatchOptions(query: URLSearchParams, lastEventId: string | undefined): WatchOptions {
  const allowBookmarks = parseBoolean(query, 'allowWatchBookmarks') === true
  const timeoutSeconds = timeoutOf(query)
  if (lastEventId !== undefined && lastEventId !== '') {
    const after = parseRevision(lastEventId, 'Last-Event-ID')
    return { start: { initialState: false, initialEndBookmark: false, after }, allowBookmarks, timeoutSeconds }
  }
  const sendInitialEvents = parseBoolean(query, 'sendInitialEvents')
  refuseCombinations(query, sendInitialEvents)
  const text = query.get('resourceVersion') ?? ''
  const revision = text === '' || text === '0' ? undefined : parseRevision(text, 'resourceVersion')
  const initialState = sendInitialEvents ?? revision === undefined
  const initialEndBookmark = sendInitialEvents === true && allowBookmarks
  return { start: { initialState, initialEndBookmark, after: revision }, allowBookmarks, timeoutSeconds }
}

function refuseCombinations(query: URLSearchParams, sendInitialEvents: boolean | undefined): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const causes: StatusCause[] = []
  if (sendInitialEvents === undefined && match !== '')
    causes.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    causes.push(forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (query.get('continue')) causes.push(forbiddenField('continue', 'continue is forbidden for watch'))
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', resource: 'listoptions', kind: 'ListOptions' }, causes)
}

/** Undefined: the server's choice. At most a day. */
function timeoutOf(query: URLSearchParams): number | undefined {
  const seconds = parseSeconds(query, 'timeoutSeconds')
  return seconds === undefined || seconds === 0 ? undefined : Math.min(seconds, 24 * 3600)
}
