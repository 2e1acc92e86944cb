import type { RunSubject } from './find-run.js'

/** What the server asks a session of. */
export type SessionRequest = RunSubject &
  (
    | { readonly type: 'exec'; readonly command: readonly string[]; readonly stdin: boolean; readonly tty: boolean }
    | { readonly type: 'attach' }
    | { readonly type: 'portforward'; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  )

/** Reads `/exec/NAMESPACE/NAME?uid=…&attempt=…&command=…`, `/attach/…`, `/portforward/…`; undefined for every other path. */
export function parseSessionRequest(path: string): SessionRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, type, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (!namespace || !name || rest.length > 0) return undefined
  const subject = { namespace, name, uid: searchParams.get('uid') ?? '', attempt: Number(searchParams.get('attempt')) }
  const flag = (parameter: string) => searchParams.get(parameter) === 'true'
  switch (type) {
    case 'exec':
      return { ...subject, type, command: searchParams.getAll('command'), stdin: flag('stdin'), tty: flag('tty') }
    case 'attach':
      return { ...subject, type }
    case 'portforward':
      return { ...subject, type, port: Number(searchParams.get('port')), protocol: searchParams.get('protocol') === 'udp' ? 'udp' : 'tcp' }
    default:
      return undefined
  }
}
