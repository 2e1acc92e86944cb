import { versionInfo } from '../version.js'

/** The one form in which clients read the old document. */
export const openapiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/**
 * The old OpenAPI document, without a schema in it: those are in v3. kubectl asks for it where v3 does not know a kind, and only with an
 * answer goes on to say that the kind does not exist.
 */
export function openapiV2Document(): Buffer {
  const info = Buffer.concat([textField(1, 'Millrace'), textField(2, versionInfo.gitVersion)])
  const paths = Buffer.alloc(0)
  return Buffer.concat([textField(1, '2.0'), bytesField(2, info), bytesField(8, paths)])
}

const textField = (number: number, text: string) => bytesField(number, Buffer.from(text))

/** A length-delimited protobuf field. Both the number and the length are below 128 or fit two bytes. */
function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}
