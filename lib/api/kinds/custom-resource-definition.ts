import { ConditionsSchema } from '../condition.js'
import { validateDefinition } from '../custom-kinds/validate-definition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

const names = (whose: string) =>
  t
    .object({
      plural: t.string().describe('The name in paths, in lower case: widgets.'),
      singular: t.string().describe('The name of one; default: the kind in lower case.').optional(),
      kind: t.string().describe('The name in manifests: Widget.'),
      listKind: t.string().describe('The kind of lists; default: the kind with List.').optional(),
      shortNames: t.list(t.string()).describe('Short names for people: wd.').optional(),
      categories: t.list(t.string()).describe('Words that stand for several kinds: all.').optional(),
    })
    .describe(whose)

const ColumnSchema = t.object({
  name: t.string().describe('The heading.'),
  type: t.oneOf('integer', 'number', 'string', 'boolean', 'date').describe('The type of the values.'),
  format: t.string().describe('How clients may show them.').optional(),
  description: t.string().describe('What the column shows.').optional(),
  priority: t.integer().describe('0: always shown; above: only with -o wide.').with({ format: 'int32' }).optional(),
  jsonPath: t.string().describe('Where the value is: .spec.size.').with({ maxLength: 512 }),
})

const VersionSchema = t.object({
  name: t.string().describe('v1, v1beta1.'),
  served: t.boolean().describe('Whether the API has this version.'),
  storage: t.boolean().describe('Whether objects are stored in this version; exactly one is.'),
  deprecated: t.boolean().describe('Whether answers carry a warning.').optional(),
  deprecationWarning: t.string().describe('What the warning says.').with({ maxLength: 256 }).optional(),
  schema: t
    .object({ openAPIV3Schema: t.anything().describe('The structural schema of a whole object.').optional() })
    .describe('What objects look like.')
    .optional(),
  subresources: t
    .object({
      status: t.object({}).describe('Splits writes of the status from writes of everything else.').optional(),
      scale: t
        .object({
          specReplicasPath: t.string().describe('Where the wanted number is: .spec.replicas.'),
          statusReplicasPath: t.string().describe('Where the observed number is: .status.replicas.'),
          labelSelectorPath: t.string().describe('Where the selector of what is counted is, as text.').optional(),
        })
        .describe('Reads and writes the number of replicas alone.')
        .optional(),
    })
    .describe('Parts of an object that are read and written on their own.')
    .optional(),
  additionalPrinterColumns: t.list(ColumnSchema).describe('The columns of get; default: Age.').with({ maxItems: 32 }).optional(),
  selectableFields: t
    .list(t.object({ jsonPath: t.string().describe('The path of a text, number or boolean: .spec.color.') }))
    .describe('Fields that a field selector may name.')
    .with({ maxItems: 8 })
    .optional(),
})

export const CustomResourceDefinition = defineKind({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  scope: 'Cluster',
  description: "Defines a kind of the user's own: from then on the server has it, like those that it was born with.",
  spec: t.object({
    group: t.string().describe('The API group: example.com.'),
    names: names('What the kind is called.'),
    scope: t.oneOf('Cluster', 'Namespaced').describe('Whether objects lie in namespaces.'),
    versions: t.list(VersionSchema).describe('The versions of the kind.').with({ maxItems: 32 }),
    conversion: t
      .object({
        strategy: t.oneOf('None').describe('None: only the apiVersion differs between versions.'),
        webhook: t.anything().describe('Not supported.').optional(),
      })
      .describe('How an object of one version becomes one of another.')
      .default({ strategy: 'None' }),
    preserveUnknownFields: t.boolean().describe('Must be false: unknown fields are removed.').optional(),
  }),
  status: t.object({
    conditions: ConditionsSchema.optional(),
    acceptedNames: names('What the kind is called in fact.').optional(),
    storedVersions: t.list(t.string()).describe('Every version that objects may be stored in.').optional(),
  }),
  subresources: ['status'],
  conditions: ['NamesAccepted', 'Established', 'Terminating'],
  columns: [{ name: 'Created At', jsonPath: '.metadata.creationTimestamp', description: 'When the kind was defined.' }],
  validate: validateDefinition,
})
export type CustomResourceDefinition = Resource<typeof CustomResourceDefinition>
export type CustomResourceDefinitionManifest = Manifest<typeof CustomResourceDefinition>
export type DefinedVersion = CustomResourceDefinition['spec']['versions'][number]
export type DefinedNames = CustomResourceDefinition['spec']['names']

/** Holds the deletion of a definition until its objects are gone. */
export const instanceCleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'
