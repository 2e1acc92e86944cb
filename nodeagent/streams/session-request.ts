import type { ExecOrder } from '../backends/exec-session.js'
import { parseSubject, type RunSubject } from './find-subject.js'

/** What the server asks a session of. */
export type SessionRequest = RunSubject &
  (
    | ({ readonly type: 'exec' } & ExecOrder)
    | { readonly type: 'attach' | 'sftp' | 'console' }
    | { readonly type: 'portforward'; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  )

/**
 * Reads `/exec/NAMESPACE/NAME?uid=…&attempt=…&command=…`, `/attach/…`, `/portforward/…`, and of a
 * Vps `/sftp/…`, `/console/…`; undefined for every other path.
 */
export function parseSessionRequest(path: string): SessionRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, type, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (!namespace || !name || rest.length > 0) return undefined
  const subject = parseSubject(namespace, name, searchParams)
  const flag = (parameter: string) => searchParams.get(parameter) === 'true'
  switch (type) {
    case 'exec':
      return {
        ...subject,
        type,
        command: searchParams.getAll('command'),
        stdin: flag('stdin'),
        tty: flag('tty'),
        environment: Object.fromEntries(searchParams.getAll('env').map(readVariable)),
      }
    case 'attach':
    case 'sftp':
    case 'console':
      return { ...subject, type }
    case 'portforward':
      return { ...subject, type, port: Number(searchParams.get('port')), protocol: searchParams.get('protocol') === 'udp' ? 'udp' : 'tcp' }
    default:
      return undefined
  }
}

/** `NAME=VALUE`. Throws a RangeError for what is no variable. */
function readVariable(pair: string): [name: string, value: string] {
  const end = pair.indexOf('=')
  const [name, value] = [pair.slice(0, end), pair.slice(end + 1)]
  if (end < 1 || !/^[A-Z_][A-Z0-9_]*$/.test(name) || value.includes('\0')) throw new RangeError('env must be NAME=VALUE')
  return [name, value]
}
