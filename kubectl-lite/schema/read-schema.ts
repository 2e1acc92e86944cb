import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'

type SchemaNode = JsonSchema & { $ref?: string; allOf?: SchemaNode[]; properties?: Record<string, SchemaNode>; items?: SchemaNode }

interface Gvk {
  group: string
  version: string
  kind: string
}

/** The OpenAPI v3 schemas of one group and version, with references resolved as they are walked. */
export interface KindSchema {
  readonly root: JsonSchema
  /** The schema that stands for this one: references followed, wrappers taken off. */
  resolve(schema: JsonSchema): JsonSchema
}

/** Asks the server what a kind's fields are. */
export async function readSchema(cluster: Cluster, resource: ApiResource): Promise<KindSchema> {
  const index = (await readJson(cluster, '/openapi/v3')) as { paths?: Record<string, { serverRelativeURL?: string }> }
  const place = resource.group === '' ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`
  const document = (await readJson(cluster, index.paths?.[place]?.serverRelativeURL ?? `/openapi/v3/${place}`)) as {
    components?: { schemas?: Record<string, SchemaNode & { 'x-kubernetes-group-version-kind'?: Gvk[] }> }
  }
  const schemas = document.components?.schemas ?? {}
  const root = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      ({ group, version, kind }) => group === resource.group && version === resource.version && kind === resource.kind,
    ),
  )
  if (!root) throw new Error(`the server's OpenAPI document has no schema of ${resource.kind}`)
  const resolve = (schema: SchemaNode, depth = 0): SchemaNode => {
    const reference = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined)
    const target = reference === undefined ? undefined : schemas[reference.replace('#/components/schemas/', '')]
    if (target === undefined || depth > 10) return schema
    const { $ref: _ref, allOf: _allOf, ...own } = schema
    return { ...resolve(target, depth + 1), ...own }
  }
  return { root: resolve(root), resolve }
}

async function readJson(cluster: Cluster, path: string): Promise<unknown> {
  return JSON.parse(await (await cluster.client.raw({ method: 'GET', path })).text())
}

/** The fields at a schema: of an object, of a list's items, of a map's values. */
export function fieldsOf(schema: KindSchema, at: JsonSchema): Record<string, JsonSchema> {
  const resolved = schema.resolve(at)
  if (resolved.type === 'array' && resolved.items) return fieldsOf(schema, resolved.items)
  if (typeof resolved.additionalProperties === 'object') return fieldsOf(schema, resolved.additionalProperties)
  return resolved.properties ?? {}
}
