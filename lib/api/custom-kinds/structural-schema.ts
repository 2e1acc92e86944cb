/**
 * Judges the schema that a user gives for a kind. What passes is structural, as Kubernetes has it: every field
 * has its type outside of logic, so that pruning, defaulting, merging and documentation need no logic. One rule:
 * what this server would ignore is refused here, with its path.
 */
import { forbiddenField, invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'
import { compilePattern, type StepBudget } from '../pattern/compile-pattern.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { logicOf, partsOf } from '../schema/schema-parts.js'
import { defaultCauses } from './default-causes.js'
import { extensionCauses } from './extension-causes.js'
import { keywordCauses } from './keyword-causes.js'

/** So many schemas all versions of a definition may have, one within the other. The largest operators' have half of it. */
const maxSchemas = 10_000
export const maxRules = 250
/** An answer holds no more; see `invalid`. */
const maxCauses = 20

/** What a definition may still have, all versions together. */
export interface DefinitionBudget {
  schemas: number
  /** Objects within objects: each has all fields of metadata. */
  embedded: number
  /** Steps of patterns, written out. */
  readonly patterns: StepBudget
  /** Steps for checking defaults. */
  readonly defaults: StepBudget
  /** Rules in CEL. */
  rules: number
}

export const definitionBudget = (): DefinitionBudget => ({
  schemas: maxSchemas,
  embedded: 100,
  patterns: { left: 200_000 },
  defaults: { left: 500_000 },
  rules: maxRules,
})

/** What is wrong with the schema of a version; empty: `schema` is a JsonSchema with structure. `path` is where it stands. */
export function structuralCauses(schema: unknown, path: string, budget: DefinitionBudget): StatusCause[] {
  const causes: StatusCause[] = []
  new ShapeWalk(causes, budget).visit(schema, path)
  if (causes.length > 0) return causes
  const root = schema as JsonSchema
  if (root.type !== 'object') causes.push(invalidValue(`${path}.type`, root.type ?? '', 'must be object at the root'))
  if (root.nullable) causes.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'))
  new StructureWalk(causes, budget).visit(root, path, true)
  return causes.length > 0 ? causes.slice(0, maxCauses) : defaultCauses(root, path, budget.defaults).slice(0, maxCauses)
}

/** That the words of the schema are known, and their values of the right type. */
class ShapeWalk {
  constructor(
    readonly causes: StatusCause[],
    readonly budget: DefinitionBudget,
  ) {}

  visit(schema: unknown, path: string): void {
    if (this.causes.length >= maxCauses) return
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      this.causes.push(invalidValue(path, schema, 'must be a schema object'))
      return
    }
    if (--this.budget.schemas < 0) {
      if (this.budget.schemas < -1) return
      this.causes.push({ reason: 'FieldValueTooMany', field: path, message: `Too many: must have at most ${maxSchemas} schemas` })
      return
    }
    const wrong = keywordCauses(schema as Record<string, unknown>, path)
    this.causes.push(...wrong)
    if (wrong.length > 0) return
    for (const part of partsOf(schema as JsonSchema)) this.visit(part.schema, `${path}.${part.path}`)
    for (const branch of logicOf(schema as JsonSchema)) this.visit(branch.schema, `${path}.${branch.path}`)
  }
}

/** That the schema is structural. */
class StructureWalk {
  constructor(
    readonly causes: StatusCause[],
    readonly budget: DefinitionBudget,
  ) {}

  visit(schema: JsonSchema, path: string, isObject = false): void {
    if (this.causes.length >= maxCauses) return
    if (schema.type === undefined && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields'])
      this.causes.push(requiredValue(`${path}.type`, 'must not be empty for specified object fields'))
    this.causes.push(...structureCauses(schema, path), ...extensionCauses(schema, path), ...patternCauses(schema, path, this.budget))
    if (schema['x-kubernetes-embedded-resource'] && --this.budget.embedded < 0)
      this.causes.push(forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'a definition may have at most 100 embedded resources'))
    const hasMetadata = isObject || schema['x-kubernetes-embedded-resource'] === true
    for (const part of partsOf(schema)) {
      const partPath = `${path}.${part.path}`
      if (hasMetadata && part.path.startsWith('properties[')) this.causes.push(...standardFieldCauses(part.name, part.schema, partPath))
      this.visit(part.schema, partPath)
    }
    for (const branch of logicOf(schema)) this.#visitLogic(branch.schema, schema, `${path}.${branch.path}`, path)
  }

  /** Logic restricts what the structure around it has, and says nothing new. */
  #visitLogic(schema: JsonSchema, structure: JsonSchema, path: string, structurePath: string): void {
    if (this.causes.length >= maxCauses) return
    for (const word of notInLogic)
      if (schema[word] !== undefined && !(word === 'type' && structure['x-kubernetes-int-or-string']))
        this.causes.push(forbiddenField(`${path}.${word}`, 'must be undefined to be structural'))
    this.causes.push(...patternCauses(schema, path, this.budget))
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      const known =
        structure.properties && Object.hasOwn(structure.properties, name) ? structure.properties[name] : structure.additionalProperties
      const place = `${path}.properties[${name}]`
      if (typeof known === 'object') this.#visitLogic(part, known, place, `${structurePath}.properties[${name}]`)
      else this.causes.push(requiredValue(`${structurePath}.properties[${name}]`, `because it is defined in ${place}`))
    }
    if (schema.items) {
      if (structure.items) this.#visitLogic(schema.items, structure.items, `${path}.items`, `${structurePath}.items`)
      else this.causes.push(requiredValue(`${structurePath}.items`, `because it is defined in ${path}.items`))
    }
    for (const branch of logicOf(schema)) this.#visitLogic(branch.schema, structure, `${path}.${branch.path}`, structurePath)
  }
}

const notInLogic = [
  'type',
  'description',
  'title',
  'default',
  'nullable',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const satisfies readonly (keyof JsonSchema)[]

function structureCauses(schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = []
  const { type } = schema
  if (schema.additionalProperties === false)
    causes.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'))
  if (schema.additionalProperties !== undefined && schema.properties && Object.keys(schema.properties).length > 0)
    causes.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  if (type === 'array' && !schema.items) causes.push(requiredValue(`${path}.items`, 'must be specified'))
  if (schema.items && type !== 'array' && type !== undefined) causes.push(forbiddenField(`${path}.items`, 'must be an array to have items'))
  if ((schema.properties || schema.additionalProperties) && type !== 'object' && type !== undefined)
    causes.push(forbiddenField(`${path}.${schema.properties ? 'properties' : 'additionalProperties'}`, 'must be an object to have members'))
  return causes
}

/** apiVersion, kind and metadata are what they are everywhere; only names may be restricted. */
function standardFieldCauses(name: string, schema: JsonSchema, path: string): StatusCause[] {
  if (name === 'apiVersion' || name === 'kind')
    return schema.type === 'string' || schema.type === undefined ? [] : [notSupported(`${path}.type`, schema.type, 'must be string')]
  if (name !== 'metadata') return []
  if (schema.type !== 'object') return [notSupported(`${path}.type`, schema.type ?? '', 'must be object')]
  const { type: _type, description: _description, properties = {}, ...rest } = schema
  const others = [...Object.keys(rest), ...Object.keys(properties).filter((field) => field !== 'name' && field !== 'generateName')]
  return others.length === 0
    ? []
    : [forbiddenField(path, 'must not specify anything other than name and generateName, but metadata is implicitly specified')]
}

function patternCauses({ pattern }: JsonSchema, path: string, { patterns }: DefinitionBudget): StatusCause[] {
  if (pattern === undefined) return []
  try {
    compilePattern(pattern, patterns)
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression of RE2: ${why}`)]
  }
}
