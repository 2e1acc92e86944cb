/**
 * Kubernetes' protobuf bodies as the objects that JSON would have given. Newer kubectl and client-go send
 * built-in kinds this way, and do not fall back: the envelope `k8s\0` names the kind, and its message is read
 * by the fields that message-fields.ts lists. Answers stay JSON.
 *
 *     decodeProtobuf(bytes)   // { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } }
 */
import { ApiError, badRequest } from '../api-error.js'
import type { Message } from './message-field.js'
import { deleteOptions, rootMessages, unknownEnvelope } from './message-fields.js'
import { readMessage } from './read-message.js'

export const protobufMediaType = 'application/vnd.kubernetes.protobuf'

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])

/** Throws BadRequest for bytes that are no such body, UnsupportedMediaType for kinds that are only taken as JSON. */
export function decodeProtobuf(bytes: Buffer): Record<string, unknown> {
  if (bytes.length < magic.length || !bytes.subarray(0, magic.length).equals(magic))
    throw badRequest('the body is not Kubernetes protobuf: it does not begin with "k8s\\0"')
  const envelope = readMessage(bytes.subarray(magic.length), unknownEnvelope)
  const { apiVersion = '', kind = '' } = (envelope.typeMeta ?? {}) as { apiVersion?: string; kind?: string }
  const encoding = envelope.contentEncoding
  if (encoding !== undefined && encoding !== '')
    throw badRequest(`the protobuf body has the content encoding ${JSON.stringify(encoding)}, which is not supported`)
  const message = messageOf(apiVersion, kind)
  if (!message)
    throw new ApiError(
      'UnsupportedMediaType',
      `${apiVersion}, Kind=${kind} is not taken as ${protobufMediaType}; send it as application/json`,
    )
  const raw = envelope.raw instanceof Buffer ? envelope.raw : Buffer.alloc(0)
  return { apiVersion, kind, ...readMessage(raw, message) }
}

/** DeleteOptions exist in every group. */
function messageOf(apiVersion: string, kind: string): Message | undefined {
  return kind === 'DeleteOptions' ? deleteOptions : rootMessages.get(`${apiVersion}/${kind}`)
}
