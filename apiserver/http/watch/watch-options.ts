import { badRequest, forbiddenField, invalid, type StatusCause } from '../../../lib/api/api-error.js'

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
  const allowBookmarks = isTrue(query, 'allowWatchBookmarks') === true
  const timeoutSeconds = parseTimeout(query.get('timeoutSeconds'))
  if (lastEventId !== undefined && lastEventId !== '') {
    const after = parseRevision(lastEventId, 'Last-Event-ID')
    return { start: { initialState: false, initialEndBookmark: false, after }, allowBookmarks, timeoutSeconds }
  }
  const sendInitialEvents = isTrue(query, 'sendInitialEvents')
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

/** A positive decimal integer. Throws BadRequest. */
export function parseRevision(text: string, what: string): number {
  const revision = Number(text)
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(revision))
    throw badRequest(`${what}: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a revision`)
  return revision
}

function isTrue(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw badRequest(`${name}: Invalid value: ${JSON.stringify(value.slice(0, 100))}: must be true or false`)
}

function parseTimeout(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  if (!/^[0-9]{1,9}$/.test(text))
    throw badRequest(`timeoutSeconds: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a number of seconds`)
  const seconds = Number(text)
  return seconds === 0 ? undefined : Math.min(seconds, 24 * 3600)
}
