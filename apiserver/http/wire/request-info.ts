/**
 * The URL grammar of the API, read once per request. No kind has a rule of its
 * own here: whether a resource exists is the registry's to say.
 *
 *     parseRequest('GET', '/apis/millrace.dev/v1/namespaces/default/tasks?watch=1')
 *     // { verb: 'watch', group: 'millrace.dev', version: 'v1', resource: 'tasks', namespace: 'default', name: '', … }
 */
import { badRequest } from '../../../lib/api/api-error.js'

/** What a request asks for. Absent parts are empty strings. */
export interface RequestInfo {
  readonly method: string
  /** The path without query, as it was sent. */
  readonly path: string
  readonly query: URLSearchParams
  /** Whether it names a resource; otherwise only `path` and `verb` (the HTTP verb in lower case) mean something. */
  readonly isResource: boolean
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
}

/** Throws BadRequest for paths that cannot be decoded. */
export function parseRequest(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const parts = decodeSegments(path)
  const [prefix, ...rest] = parts
  if (prefix === 'api' && rest.length >= 2) return resourceRequest(method, path, query, '', rest)
  if (prefix === 'apis' && rest.length >= 3) return resourceRequest(method, path, query, rest[0] ?? '', rest.slice(1))
  const verb = method.toLowerCase()
  return { method, path, query, isResource: false, verb, group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
}

/** `[version, resource, …]` or `[version, 'namespaces', namespace, resource, …]`. */
function resourceRequest(method: string, path: string, query: URLSearchParams, group: string, parts: readonly string[]): RequestInfo {
  const [version = '', ...rest] = parts
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && !namespaceSubresources.has(rest[2] ?? '')
  const namespace = inNamespace ? (rest[1] ?? '') : ''
  const [resource = '', name = '', ...subresources] = inNamespace ? rest.slice(2) : rest
  const verb = verbOf(method, name, query)
  return { method, path, query, isResource: true, verb, group, version, resource, subresource: subresources.join('/'), namespace, name }
}

/** The third segment of these is a part of the Namespace object; any other names a resource inside it. */
const namespaceSubresources = new Set(['status', 'finalize'])

function verbOf(method: string, name: string, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return method === 'GET' && isWatch(query) ? 'watch' : name === '' ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete'
    default:
      return method.toLowerCase()
  }
}

/** Any value but `false` and `0` means yes, as upstream reads it. */
function isWatch(query: URLSearchParams): boolean {
  const value = query.get('watch')
  return value !== null && value !== 'false' && value !== '0'
}

function decodeSegments(path: string): string[] {
  const start = path.startsWith('/') ? 1 : 0
  const end = path.endsWith('/') && path.length > 1 ? path.length - 1 : path.length
  const segments = path.slice(start, end).split('/')
  return path.includes('%') ? segments.map(decodeSegment) : segments
}

function decodeSegment(segment: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(segment)
  } catch {
    throw badRequest(`the path segment ${JSON.stringify(segment)} is not valid percent-encoded UTF-8`)
  }
  if (decoded.includes('/') || decoded.includes('\0'))
    throw badRequest(`the path segment ${JSON.stringify(segment)} holds a character that no name may have`)
  return decoded
}
