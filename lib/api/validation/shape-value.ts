import { ApiError } from '../api-error.js'
import { printFieldPath } from '../json/field-path.js'
import { maxValues } from '../json/scan-json.js'
import type { JsonSchema } from '../schema/json-schema.js'

/** A field that the schema does not know. */
export interface UnknownField {
  /** `spec.env[0].nam` */
  readonly path: string
  /** The names that the schema knows at that place. */
  readonly known: readonly string[]
}

const maxUnknownFields = 50

/**
 * Brings a decoded object into the shape of its schema, in place: removes unknown fields (and reports them), drops null where the field is
 * not nullable, and writes defaults, where it is asked to. Leaves values of a wrong type alone, for validation to name them.
 */
export function shapeValue(schema: JsonSchema, value: unknown, { defaults = true } = {}): UnknownField[] {
  const shaper = new Shaper(defaults)
  shaper.shape(schema, value)
  return shaper.unknown
}

interface Default {
  readonly key: string
  readonly field: JsonSchema
  /** How many values it is. */
  readonly values: number
}

class Shaper {
  readonly unknown: UnknownField[] = []
  readonly #path: (string | number)[] = []
  readonly #known = new Map<JsonSchema, readonly Default[]>()
  /** Values that defaults brought. */
  #added = 0

  constructor(private readonly defaults: boolean) {}

  shape(schema: JsonSchema, value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      if (schema.items) this.#shapeItems(schema.items, value)
    } else {
      this.#shapeObject(schema, value as Record<string, unknown>)
    }
  }

  #shapeItems(schema: JsonSchema, items: unknown[]): void {
    for (const [index, item] of items.entries()) {
      if (typeof item !== 'object') return
      this.#path.push(index)
      this.shape(schema, item)
      this.#path.pop()
    }
  }

  #shapeObject(schema: JsonSchema, object: Record<string, unknown>): void {
    for (const key of Object.keys(object)) {
      const field = fieldSchema(schema, key)
      if (field === 'any') continue
      this.#path.push(key)
      if (field === undefined) {
        this.#report(schema)
        delete object[key]
      } else if (object[key] === null && !field.nullable) {
        delete object[key]
      } else {
        this.shape(field, object[key])
      }
      this.#path.pop()
    }
    if (this.defaults) for (const missing of this.#defaultsOf(schema)) this.#setDefault(missing, object)
  }

  /** The members of a schema that have a default. Looked for once: a list may have many items of one schema. */
  #defaultsOf(schema: JsonSchema): readonly Default[] {
    const known = this.#known.get(schema)
    if (known) return known
    const found: Default[] = []
    for (const key in schema.properties) {
      const field = schema.properties[key]
      if (field?.default !== undefined) found.push({ key, field, values: countValues(field.default) })
    }
    this.#known.set(schema, found)
    return found
  }

  #setDefault({ key, field, values }: Default, object: Record<string, unknown>): void {
    if (Object.hasOwn(object, key)) return
    this.#added += values
    if (this.#added > maxValues)
      throw new ApiError('RequestEntityTooLarge', `with its defaults the object would have more than ${maxValues} members and items`)
    object[key] = values === 1 ? field.default : structuredClone(field.default)
    this.shape(field, object[key])
  }

  #report(schema: JsonSchema): void {
    if (this.unknown.length >= maxUnknownFields) return
    this.unknown.push({ path: printFieldPath(this.#path), known: Object.keys(schema.properties ?? {}) })
  }
}

/** The schema of one member: `any` where everything is kept, undefined where the member is unknown. */
function fieldSchema(schema: JsonSchema, key: string): JsonSchema | 'any' | undefined {
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  if (typeof schema.additionalProperties === 'object') return schema.additionalProperties
  return schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties === true ? 'any' : undefined
}

/** One for what is no object: an empty one counts twice, since it is copied. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((count, member) => count + countValues(member), 2)
}
