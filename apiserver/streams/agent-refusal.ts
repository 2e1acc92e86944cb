import type { Readable } from 'node:stream'
import { ApiError, badRequest, type ErrorSubject, notFound, serviceUnavailable } from '../../lib/api/api-error.js'
import { readRefusalText } from '../../lib/stream/refusal-text.js'

/**
 * The error that an agent's answer other than 200 stands for. The agent's word counts for what is absent or wrong on its node, and no more.
 */
export async function readRefusal(status: number, body: Readable, subject: ErrorSubject, node: string): Promise<ApiError> {
  const message = await readRefusalText(body)
  if (status === 404) return message ? new ApiError('NotFound', message) : notFound(subject)
  if (status === 400) return badRequest(message || 'the agent refused the request')
  return serviceUnavailable(`the agent of node "${node}" answered with code ${status}${message ? `: ${message}` : ''}`)
}
