import { parseSubject, type RunSubject } from './find-subject.js'

/** What the server asks a session of. */
export type SessionRequest = RunSubject &
  (
    | { readonly type: 'exec'; readonly command: readonly string[]; readonly stdin: boolean; readonly tty: boolean }
    | { readonly type: 'attach' | 'sftp' | 'console' }
    | { readonly type: 'portforward'; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  )

/** Reads `/exec/NAMESPACE/NAME?uid=…&attempt=…&command=…`, `/attach/…`, `/portforward/…`, and of a Vps `/sftp/…`, `/console/…`; undefined for every other path. */
export function parseSessionRequest(path: string): SessionRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, type, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (!namespace || !name || rest.length > 0) return undefined
  const subject = parseSubject(namespace, name, searchParams)
  const flag = (parameter: string) => searchParams.get(parameter) === 'true'
  switch (type) {
    case 'exec':
      return { ...subject, type, command: searchParams.getAll('command'), stdin: flag('stdin'), tty: flag('tty') }
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
