/** Values of query parameters that more than one kind of request has. */
import { badRequest } from '../../../lib/api/api-error.js'

/** `true`, `1`, `false`, `0`; undefined when it is absent or empty. Throws BadRequest for others. */
export function parseBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw badRequest(`${name}: Invalid value: ${JSON.stringify(value.slice(0, 100))}: must be true or false`)
}

/** A whole number of seconds. Throws BadRequest for others. */
export function parseSeconds(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[0-9]{1,9}$/.test(text))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a number of seconds`)
  return Number(text)
}

/** A positive decimal integer. Throws BadRequest. */
export function parseRevision(text: string, what: string): number {
  const revision = Number(text)
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(revision))
    throw badRequest(`${what}: Invalid value: ${JSON.stringify(text.slice(0, 100))}: must be a revision`)
  return revision
}
