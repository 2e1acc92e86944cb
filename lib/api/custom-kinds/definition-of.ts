/**
 * The CustomResourceDefinition that gives a server the kind of a declaration: `customKinds` the other way round.
 *
 *     await client.of(CustomResourceDefinition).apply(definitionOf(Pool), { fieldManager: 'setup', force: true })
 *
 * One rule: what a definition cannot carry is an error that says so. A server that accepted less than was declared would surprise later.
 */
import type { Column, Kind } from '../define-kind.js'
import { type CustomResourceDefinitionManifest, CustomResourceDefinition as Definition } from '../kinds/custom-resource-definition.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { explainFailure } from '../validation/explain-failure.js'
import { validateDefinition } from './validate-definition.js'

/** Why a kind has no definition, in a sentence. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
}

/** Throws DefinitionError with a sentence for everything in the declaration that a definition cannot say, or that a server would refuse. */
export function definitionOf(kind: Kind): CustomResourceDefinitionManifest {
  const subject = `the kind ${kind.kind} of the group "${kind.group}" cannot be had by a CustomResourceDefinition`
  const beyond = beyondDefinitions(kind)
  if (beyond.length > 0) throw new DefinitionError(`${subject}: ${beyond.join('; ')}`)
  const definition = definitionFrom(kind)
  const causes = explainFailure(Definition.schema, definition)
  if (causes.length === 0) causes.push(...validateDefinition(definition as unknown as Parameters<typeof validateDefinition>[0], undefined))
  if (causes.length > 0)
    throw new DefinitionError(`${subject}: ${causes.map(({ field = '', message }) => `${shortPath(field)}: ${message}`).join('; ')}`)
  return definition
}

/** What the declaration says that no definition does. */
function beyondDefinitions(kind: Kind): string[] {
  const others = kind.subresources.filter((name) => name !== 'status' && name !== 'scale')
  const sayings: [boolean, string][] = [
    [
      kind.validate !== undefined,
      'validate is a function of this program: say it as a rule in CEL, t.object({ … }).rule("self.min <= self.max")',
    ],
    [kind.unique.length > 0, 'unique: no two objects of such a kind are compared'],
    [kind.encrypted, 'encrypted: its objects would not be sealed; keep what is secret in a Secret and name that'],
    [kind.history !== 'keep', `history: '${kind.history}': old revisions of its objects are kept`],
    [kind.workload, 'workload: its objects would not be placed on nodes; make Tasks for them'],
    [
      kind.nameRule !== 'subdomain',
      `nameRule: '${kind.nameRule}': its names are DNS subdomains; restrict them by a rule in CEL on the spec`,
    ],
    [kind.createOnUpdate, 'createOnUpdate: a PUT of an absent object is refused'],
    [kind.maxBytes !== undefined, 'maxBytes: bound its texts, lists and maps instead'],
    [kind.viewOf !== undefined, 'viewOf: its objects are stored'],
    [kind.measured === true, 'measured: its objects are stored'],
    [kind.nameFirst === false, 'nameFirst: its tables begin with the name'],
    [kind.verbs.length < 8, 'verbs: its objects answer to all'],
    [
      kind.subresources.includes('scale') !== (kind.scale !== undefined),
      'scale: it goes with the subresource scale, and says where its numbers are',
    ],
    [others.length > 0, `subresources: it has none of ${others.join(', ')}`],
  ]
  return sayings.flatMap(([isSaid, why]) => (isSaid ? [why] : []))
}

function definitionFrom(kind: Kind): CustomResourceDefinitionManifest {
  const { group, scope, version, plural, singular, listKind, shortNames, categories } = kind
  const fields = [...new Set([...kind.indexed, ...kind.selectable])]
  return {
    apiVersion: Definition.apiVersion,
    kind: Definition.kind,
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind,
        plural,
        singular,
        ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
        ...(categories.length > 0 ? { categories: [...categories] } : {}),
      },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(kind.subresources.length > 0 ? { subresources: subresourcesFrom(kind) } : {}),
          additionalPrinterColumns: kind.columns.map(columnFrom),
          ...(fields.length > 0 ? { selectableFields: fields.map((path) => ({ jsonPath: `.${path}` })) } : {}),
          schema: { openAPIV3Schema: { ...writtenSchema(kind.schema) } },
        },
      ],
    },
  }
}

function subresourcesFrom({ subresources, scale }: Kind) {
  const path = (names: readonly string[]) => `.${names.join('.')}`
  return {
    ...(subresources.includes('status') ? { status: {} } : {}),
    ...(scale
      ? {
          scale: {
            specReplicasPath: path(scale.specReplicas),
            statusReplicasPath: path(scale.statusReplicas),
            ...(scale.selector ? { labelSelectorPath: path(scale.selector) } : {}),
          },
        }
      : {}),
  }
}

function columnFrom({ name, type = 'string', format, description, priority, jsonPath }: Column) {
  return {
    name,
    type,
    jsonPath,
    ...(format === undefined ? {} : { format }),
    ...(description === undefined ? {} : { description }),
    ...(priority === undefined ? {} : { priority }),
  }
}

/** As people write it: the metadata of every object is known without. */
function writtenSchema(schema: JsonSchema): JsonSchema {
  return { ...schema, properties: { ...schema.properties, metadata: { type: 'object' } } }
}

const shortPath = (field: string) => field.replace(/^spec\.versions\[0\]\.(schema\.openAPIV3Schema\.?)?/, '') || 'the schema'
