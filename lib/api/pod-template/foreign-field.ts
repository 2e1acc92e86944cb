/**
 * Fields of Kubernetes that Millrace does not have. They are declared, so that nothing is dropped unseen: a value that says what Millrace
 * does anyway is taken, any other is refused with its path.
 *
 *     hostNetwork: foreign(t.boolean(), 'a Task has a network of its own', false)
 */
import { hiddenValue, notSupported, type StatusCause } from '../api-error.js'
import { printJson } from '../json/print-json.js'
import { sameValue } from '../json/same-value.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { partsOf } from '../schema/schema-parts.js'
import { type AnyType, type Type, t } from '../schema/t.js'

/** `harmless` values lose nothing when they are passed over. */
export interface ForeignField {
  readonly why: string
  readonly harmless: readonly unknown[] | 'all'
}

type Foreign<T extends AnyType> = Type<T['out'], T['in'], 'optional'>

export function foreign<T extends AnyType>(type: T, why: string, ...harmless: unknown[]): Foreign<T> {
  return mark(type, { why, harmless })
}

/** A field that Kubernetes itself passes over here. */
export function unread<T extends AnyType>(type: T, why: string): Foreign<T> {
  return mark(type, { why, harmless: 'all' })
}

export const foreignText = (why: string, ...harmless: string[]) => foreign(t.string(), why, '', ...harmless)
export const foreignList = (why: string) => foreign(t.list(t.anything()), why, [])
export const foreignTexts = (why: string) => foreign(t.list(t.string()), why, [])
export const foreignObject = (why: string, ...harmless: object[]) => foreign(t.anything(), why, {}, ...harmless)

function mark<T extends AnyType>(type: T, field: ForeignField): Foreign<T> {
  return type.describe(describeForeign(field)).with({ 'x-millrace-foreign': field }).optional() as Foreign<T>
}

function describeForeign({ why, harmless }: ForeignField): string {
  if (harmless === 'all') return `Not read: ${why}.`
  const values = harmless.map((value) => printJson(value)).join(', ')
  return `Not supported: ${why}.${values ? ` Taken as nothing: ${values}.` : ''}`
}

/**
 * Which foreign fields of a value say something that cannot be kept. The value has the shape of the schema. What is more than a word may
 * hold secrets, as the env of a container does.
 */
export function foreignCauses(schema: JsonSchema, value: unknown, path: string): StatusCause[] {
  if (value === undefined) return []
  const field = schema['x-millrace-foreign']
  if (field) {
    const harmless = field.harmless === 'all' || field.harmless.some((one) => sameValue(one, value))
    return harmless ? [] : [notSupported(path, typeof value === 'object' ? hiddenValue : value, field.why)]
  }
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.flatMap((item, index) => foreignCauses(items, item, `${path}[${index}]`)) : []
  }
  if (typeof value !== 'object' || value === null) return []
  const members = value as Record<string, unknown>
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    Object.hasOwn(members, name) ? foreignCauses(member, members[name], `${path}.${name}`) : [],
  )
}

/** Every foreign field of a schema, with its path in it: for the documentation. */
export function* foreignFields(schema: JsonSchema, path = ''): Generator<{ path: string; field: ForeignField }> {
  const field = schema['x-millrace-foreign']
  if (field) yield { path, field }
  else
    for (const part of partsOf(schema))
      yield* foreignFields(part.schema, part.name === '[]' ? `${path}[]` : path === '' ? part.name : `${path}.${part.name}`)
}
