import { forbiddenField, invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import { compileSchemaRules } from '../cel/schema-rules.js'
import { compileJsonPath } from '../json-path.js'
import type { DefinedVersion } from '../kinds/custom-resource-definition.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { isName, nameText } from './names-causes.js'
import { objectSchema } from './object-schema.js'
import { type DefinitionBudget, definitionBudget, structuralCauses } from './structural-schema.js'

/** What is wrong with the versions of a definition. */
export function versionCauses(versions: readonly DefinedVersion[]): StatusCause[] {
  const causes: StatusCause[] = []
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    causes.push(
      invalidValue(
        'spec.versions',
        versions.map(({ name }) => name),
        'must contain unique version names',
      ),
    )
  if (versions.filter(({ storage }) => storage).length !== 1)
    causes.push(
      invalidValue(
        'spec.versions',
        versions.map(({ name }) => name),
        'must have exactly one version marked as storage version',
      ),
    )
  const budget = definitionBudget()
  for (const [index, version] of versions.entries()) causes.push(...oneVersionCauses(version, `spec.versions[${index}]`, budget))
  return causes
}

function oneVersionCauses(version: DefinedVersion, path: string, budget: DefinitionBudget): StatusCause[] {
  const causes: StatusCause[] = []
  if (!isName(version.name)) causes.push(invalidValue(`${path}.name`, version.name, nameText))
  if (version.deprecationWarning !== undefined && !version.deprecated)
    causes.push(invalidValue(`${path}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions'))
  causes.push(...columnCauses(version, path), ...scaleCauses(version, path))
  const schema = version.schema?.openAPIV3Schema
  if (!schema) return [...causes, requiredValue(`${path}.schema.openAPIV3Schema`, 'schemas are required')]
  const schemaCauses = structuralCauses(schema, `${path}.schema.openAPIV3Schema`, budget)
  if (schemaCauses.length > 0) return [...causes, ...schemaCauses]
  compileSchemaRules(objectSchema(schema as JsonSchema), `${path}.schema.openAPIV3Schema`, causes, budget)
  return [...causes, ...selectableCauses(version, schema as JsonSchema, path)]
}

function columnCauses({ additionalPrinterColumns = [] }: DefinedVersion, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [index, { name, jsonPath }] of additionalPrinterColumns.entries()) {
    const place = `${path}.additionalPrinterColumns[${index}]`
    if (name === '') causes.push(requiredValue(`${place}.name`))
    if (jsonPath.includes('..')) causes.push(forbiddenField(`${place}.jsonPath`, 'a column may not search the whole object (..)'))
    try {
      compileJsonPath(jsonPath)
    } catch (error) {
      causes.push(invalidValue(`${place}.jsonPath`, jsonPath, error instanceof Error ? error.message : String(error)))
    }
  }
  return causes
}

const simplePath = /^(\.[A-Za-z_$][\w$-]*)+$/

function scaleCauses({ subresources }: DefinedVersion, path: string): StatusCause[] {
  const scale = subresources?.scale
  if (!scale) return []
  const causes: StatusCause[] = []
  const check = (field: keyof typeof scale, roots: readonly string[]) => {
    const value = scale[field]
    const place = `${path}.subresources.scale.${field}`
    if (value === undefined) return
    if (!simplePath.test(value))
      causes.push(invalidValue(place, value, 'should be a simple json path with dot notation (e.g. .spec.replicas)'))
    else if (!roots.some((root) => value.startsWith(root)))
      causes.push(invalidValue(place, value, `should be a json path under ${roots.map((root) => root.slice(0, -1)).join(' or ')}`))
  }
  check('specReplicasPath', ['.spec.'])
  check('statusReplicasPath', ['.status.'])
  check('labelSelectorPath', ['.spec.', '.status.'])
  return causes
}

function selectableCauses({ selectableFields = [] }: DefinedVersion, schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  const seen = new Set<string>()
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const place = `${path}.selectableFields[${index}].jsonPath`
    const field = simplePath.test(jsonPath) ? fieldAt(schema, jsonPath.slice(1).split('.')) : undefined
    if (seen.has(jsonPath))
      causes.push({ reason: 'FieldValueDuplicate', field: place, message: `Duplicate value: ${JSON.stringify(jsonPath)}` })
    else if (/^\.metadata(\.|$)/.test(jsonPath)) causes.push(forbiddenField(place, 'must not point to fields in metadata'))
    else if (!field) causes.push(invalidValue(place, jsonPath, 'is an invalid path: does not refer to a valid field'))
    else if (!['string', 'boolean', 'integer'].includes(field.type ?? ''))
      causes.push(
        invalidValue(
          place,
          jsonPath,
          'must point to a field of type string, boolean or integer; enum string fields and strings with formats are allowed',
        ),
      )
    seen.add(jsonPath)
  }
  return causes
}

function fieldAt(schema: JsonSchema, names: readonly string[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema
  for (const name of names) at = at?.properties && Object.hasOwn(at.properties, name) ? at.properties[name] : undefined
  return at
}
