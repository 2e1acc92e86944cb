import { ApiError } from '../../lib/api/api-error.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { nearestWord } from '../cli/did-you-mean.js'
import type { Cluster } from '../cluster/cluster.js'
import type { Manifest } from '../manifests/decode-manifests.js'
import { fieldsOf, type KindSchema, readSchema } from './read-schema.js'

/** The server's refusal of unknown fields, with what was perhaps meant; any other error as it is. */
export async function explainUnknownFields(cluster: Cluster, manifest: Manifest, error: unknown): Promise<unknown> {
  if (!(error instanceof ApiError) || error.message.includes('id you mean')) return error
  const unknown = unknownFieldsOf(error.message)
  if (unknown.length === 0) return error
  try {
    const schema = await readSchema(cluster, await cluster.discovery.ofKind(manifest.apiVersion, manifest.kind))
    const hints = unknown.flatMap((path) => {
      const meant = suggestField(schema, path)
      return meant === undefined ? [] : [`"${path}": did you mean "${meant}"?`]
    })
    if (hints.length === 0) return error
    return new ApiError(error.reason, `${error.message}\n${hints.join('\n')}`, { code: error.code, details: error.details, cause: error })
  } catch {
    // The hint is a courtesy: without it the refusal still stands.
    return error
  }
}

/** The paths in the words of a write, and in those of an apply. */
function unknownFieldsOf(message: string): string[] {
  const found = message.matchAll(/unknown field "([^"]+)"|\.([^\s:]+): field not declared in schema/g)
  return [...found].map(([, written, applied]) => written ?? applied ?? '')
}

/** The known field that a path like `spec.env[0].nmae` was perhaps meant to be. */
function suggestField(schema: KindSchema, path: string): string | undefined {
  const parts = path.replaceAll(/\[[^\]]*\]/g, '').split('.')
  let at: JsonSchema = schema.root
  for (const [index, part] of parts.entries()) {
    const fields = fieldsOf(schema, at)
    const next = fields[part]
    if (next === undefined) return index === parts.length - 1 ? nearestWord(part, Object.keys(fields)) : undefined
    at = next
  }
  return undefined
}
