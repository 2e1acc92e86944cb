import type { IncomingMessage } from 'node:http'
import { ApiError, isApiErrorWithReason } from '../../../lib/api/api-error.js'
import { decodeProtobuf, protobufMediaType } from '../../../lib/api/protobuf/decode-protobuf.js'
import { readBody } from '../../registry/read-body.js'
import type { DecodedBody } from '../../registry/registry.js'

/** Media types of whole objects. */
export const objectTypes: readonly string[] = ['application/json', 'application/yaml', protobufMediaType]

/** The media type of the body without its parameters; JSON when none is named. */
export function mediaTypeOf(request: IncomingMessage): string {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1)
  return type.trim().toLowerCase() || 'application/json'
}

/** Throws UnsupportedMediaType, with what is accepted, unless the body is of one of these types. */
export function requireMediaType(request: IncomingMessage, accepted: readonly string[]): string {
  const type = mediaTypeOf(request)
  if (accepted.includes(type)) return type
  throw new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
}

/** Receives and decodes a whole object. */
export async function receiveObject(request: IncomingMessage, maxBytes: number): Promise<DecodedBody> {
  const type = requireMediaType(request, objectTypes)
  const bytes = await receiveBytes(request, maxBytes)
  return decodeBody(bytes, type)
}

export function decodeBody(bytes: Buffer, mediaType: string): DecodedBody {
  if (mediaType === protobufMediaType) return { value: decodeProtobuf(bytes), duplicates: [] }
  return readBody(bytes, mediaType)
}

/** What is applied: called YAML whatever it is, and sent as JSON by every client but people. */
export function decodeConfiguration(bytes: Buffer): DecodedBody {
  try {
    return readBody(bytes, 'application/json')
  } catch (error) {
    if (!isApiErrorWithReason('BadRequest')(error)) throw error
    return readBody(bytes, 'application/yaml')
  }
}

/**
 * The body's bytes. Throws RequestEntityTooLarge when there are more than `maxBytes`; a
 * little more is read and dropped, so that the client sees it.
 */
export async function receiveBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else if (size > maxBytes + droppedBytes) break
    }
  } catch (cause) {
    throw new ApiError('BadRequest', 'the body of the request broke off', { cause })
  }
  if (size > maxBytes) throw new ApiError('RequestEntityTooLarge', `the body of the request is larger than the limit of ${maxBytes} bytes`)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}
const droppedBytes = 8 * 1024 * 1024
