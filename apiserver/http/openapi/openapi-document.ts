/**
 * One OpenAPI v3 document per group and version, made from the kinds: what `kubectl explain` prints, and what tells kubectl that the server
 * checks fields itself (the fieldValidation parameter of patch).
 */
import type { Kind } from '../../../lib/api/define-kind.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { versionInfo } from '../version.js'
import { pathsOf } from './openapi-paths.js'
import { publishSchema } from './publish-schema.js'

export function openapiDocument(kinds: readonly Kind[]): object {
  const schemas: Record<string, object> = {}
  const paths: Record<string, object> = {}
  for (const kind of kinds) {
    const name = schemaName(kind)
    schemas[name] = objectSchema(kind)
    schemas[`${name}List`] = listSchema(kind)
    const metadata = kind.schema.properties?.metadata
    if (metadata) schemas[objectMetaName] = { ...publishSchema(metadata), description: 'The standard metadata of every object.' }
    Object.assign(paths, pathsOf(kind, reference(name), reference(`${name}List`)))
  }
  schemas[listMetaName] = listMeta
  return { openapi: '3.0.0', info: { title: 'Millrace', version: versionInfo.gitVersion }, paths, components: { schemas } }
}

const objectMetaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const listMetaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'

/** `dev.millrace.v1.Task`: the group reversed, as Kubernetes names them. */
function schemaName(kind: Kind): string {
  const group = kind.group === '' ? 'io.k8s.api.core' : kind.group.split('.').reverse().join('.')
  return `${group}.${kind.version}.${kind.kind}`
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const typeMark = (kind: Kind, name: string) => ({
  'x-kubernetes-group-version-kind': [{ group: kind.group, version: kind.version, kind: name }],
})

function objectSchema(kind: Kind): object {
  const published = publishSchema(kind.schema)
  const properties = { ...(published.properties as Record<string, object>) }
  properties.metadata = { description: 'The standard metadata of every object.', allOf: [reference(objectMetaName)], default: {} }
  return { ...published, properties, ...typeMark(kind, kind.kind) }
}

function listSchema(kind: Kind): object {
  return {
    type: 'object',
    description: `A list of ${kind.plural}.`,
    required: ['items'],
    properties: {
      apiVersion: { type: 'string', description: 'The group and version of the list.' },
      kind: { type: 'string', description: 'The kind of the list.' },
      metadata: { description: 'The metadata of the list.', allOf: [reference(listMetaName)], default: {} },
      items: { type: 'array', description: 'The objects.', items: { allOf: [reference(schemaName(kind))], default: {} } },
    },
    ...typeMark(kind, kind.listKind),
  }
}

const listMeta: JsonSchema = {
  type: 'object',
  description: 'The metadata of a list.',
  properties: {
    resourceVersion: { type: 'string', description: 'The revision that the list is true at.' },
    continue: { type: 'string', description: 'Where the next page begins.' },
    remainingItemCount: { type: 'integer', format: 'int64', description: 'How many objects follow.' },
  },
}
