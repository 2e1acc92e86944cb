/**
 * The one reader of request bodies: what is too large, no UTF-8, nested too deep, or of another type is refused before any parser runs.
 *
 *     readBody(bytes, 'application/json')   // { value, duplicates }
 */
import { ApiError } from '../../lib/api/api-error.js'
import { decodeJson } from '../../lib/api/json/decode-json.js'
import { decodeYaml } from './decode-yaml.js'
import type { DecodedBody } from './registry.js'

export const maxBodyBytes = 3 * 1024 * 1024

/** Media types of whole objects that this reader decodes. Patches are JSON by another name and are read as `application/json`. */
const readableTypes: readonly string[] = ['application/json', 'application/yaml']

/** Decodes a body. `contentType` may carry parameters; empty means JSON. Throws ApiErrors: 400, 413, 415. */
export function readBody(bytes: Buffer, contentType = 'application/json'): DecodedBody {
  const [type = ''] = contentType.split(';', 1)
  if (bytes.length > maxBodyBytes)
    throw new ApiError('RequestEntityTooLarge', `the body of the request is larger than the limit of ${maxBodyBytes} bytes`)
  switch (type.trim().toLowerCase()) {
    case '':
    case 'application/json':
      return decodeJson(bytes)
    case 'application/yaml':
      return decodeYaml(bytes)
    default:
      throw new ApiError(
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${readableTypes.join(', ')}`,
      )
  }
}
