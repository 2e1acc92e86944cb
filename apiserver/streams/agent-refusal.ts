import type { Readable } from 'node:stream'
import { ApiError, badRequest, type ErrorSubject, notFound, serviceUnavailable } from '../../lib/api/api-error.js'

/** More than this of an agent's error is not read. */
const maxRefusalBytes = 16 * 1024
/** Longer than this it is not waited for. */
const refusalTimeoutMs = 10_000

/** The error that an agent's answer other than 200 stands for. The agent's word counts for what is absent or wrong on its node, and no more. */
export async function readRefusal(status: number, body: Readable, subject: ErrorSubject, node: string): Promise<ApiError> {
  const message = messageIn(await readText(body))
  if (status === 404) return message ? new ApiError('NotFound', message) : notFound(subject)
  if (status === 400) return badRequest(message || 'the agent refused the request')
  return serviceUnavailable(`the agent of node "${node}" answered with code ${status}${message ? `: ${message}` : ''}`)
}

async function readText(body: Readable): Promise<string> {
  const timer = setTimeout(() => body.destroy(new Error('too slow')), refusalTimeoutMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxRefusalBytes) break
    }
  } catch {
    // What came is what there is to say.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).subarray(0, maxRefusalBytes).toString()
}

/** The message of a Status, or the text itself. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : ''
  } catch {
    return text.trim()
  }
}
