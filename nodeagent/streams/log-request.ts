import { parseSubject, type RunSubject } from './find-subject.js'

/** What a log request asks for, as the server passes it on. */
export interface LogRequest extends RunSubject {
  readonly previous: boolean
  readonly follow: boolean
  readonly timestamps: boolean
  readonly tailLines?: number
  readonly sinceMs?: number
  readonly limitBytes?: number
}

/** Reads `/logs/NAMESPACE/NAME?…`; undefined for every other path. Throws a RangeError for a value that is none. */
export function parseLogRequest(path: string, nowMs: number): LogRequest | undefined {
  const { pathname, searchParams } = new URL(path, 'http://node')
  const [, route, namespace, name, ...rest] = pathname.split('/').map(decodeURIComponent)
  if (route !== 'logs' || !namespace || !name || rest.length > 0) return undefined
  const number = (parameter: string): number | undefined => {
    const text = searchParams.get(parameter)
    if (text === null) return undefined
    if (!/^\d{1,15}$/.test(text)) throw new RangeError(`${parameter} must be a whole number`)
    return Number(text)
  }
  const flag = (parameter: string) => searchParams.get(parameter) === 'true'
  const sinceSeconds = number('sinceSeconds')
  const sinceTime = searchParams.get('sinceTime')
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime === null ? undefined : Date.parse(sinceTime)
  if (Number.isNaN(sinceMs)) throw new RangeError('sinceTime must be a time')
  const tailLines = number('tailLines')
  const limitBytes = number('limitBytes')
  return {
    ...parseSubject(namespace, name, searchParams),
    attempt: number('attempt') ?? 0,
    previous: flag('previous'),
    follow: flag('follow'),
    timestamps: flag('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  }
}
