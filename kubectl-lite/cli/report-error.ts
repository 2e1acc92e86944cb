import { ApiError } from '../../lib/api/api-error.js'
import { ConnectionError } from '../../lib/client/client.js'
import { ExitError, UsageError } from './exit-code.js'
import type { Io } from './io.js'

/** Says what went wrong on standard error, in kubectl's words where kubectl has some. */
export async function reportError(error: unknown, io: Io): Promise<void> {
  const text = errorText(error)
  if (text !== '') io.err(`${text}\n`)
}

export function errorText(error: unknown): string {
  if (error instanceof ExitError) return error.message === '' ? '' : `error: ${error.message}`
  if (error instanceof UsageError) return `error: ${error.message}`
  if (error instanceof ConnectionError)
    return `error: ${error.message}${error.message.endsWith('?') ? '' : '. Is the cluster running?'} (npm run up starts the default one.)`
  if (!(error instanceof ApiError)) return `error: ${error instanceof Error ? error.message : String(error)}`
  if (error.reason === 'Unauthorized') return 'error: You must be logged in to the server (Unauthorized)'
  if (error.reason === 'Invalid') return invalidText(error)
  // No Status, as every object that is absent has one: a kind of the kept discovery, whose definition was deleted.
  if (error.code === 404 && error.message.endsWith('404 page not found'))
    return 'error: the server does not serve this kind any more; kubectl-lite api-resources reads the kinds anew'
  return `Error from server (${error.reason}): ${error.message}`
}

/** `The Task "hello" is invalid:` with one line per wrong field. */
function invalidText(error: ApiError): string {
  const { kind = '', name = '', causes = [] } = error.details
  if (causes.length === 0 || kind === '') return `Error from server (Invalid): ${error.message}`
  const lines = causes.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : cause.message))
  const head = `The ${kind} "${name}" is invalid:`
  return lines.length === 1 ? `${head} ${lines[0]}` : `${head}\n${lines.map((line) => `* ${line}`).join('\n')}`
}
