import { forbiddenField, invalidValue, type StatusCause } from '../api-error.js'
import { defineKind, type KubeObject, type Manifest, type Resource } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import { t } from '../schema/t.js'

export const Secret = defineKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  description: 'Values that are sealed at rest and shown to nobody who may not read them.',
  fields: {
    type: t.string().describe('What the secret is for.').default('Opaque'),
    data: t.map(t.bytes()).describe('Values, base64.').optional(),
    stringData: t.map(t.string()).describe('Values as plain text; written into data, never returned.').optional(),
    immutable: t.boolean().describe('Whether the values can no longer change.').optional(),
  },
  columns: [
    { name: 'Type', jsonPath: '.type', description: 'What the secret is for.' },
    { name: 'Data', type: 'integer', jsonPath: '.data', description: 'How many values it has.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  selectable: ['type'],
  encrypted: true,
  validate: (object, old) => [...validateDataKeys(object, ['data']), ...validateImmutable(object, old, ['data', 'type'])],
})
export type Secret = Resource<typeof Secret>
export type SecretManifest = Manifest<typeof Secret>

const dataKey = /^[-._a-zA-Z0-9]{1,253}$/

/** An answer holds no more of them. */
const maxCauses = 20

/** Keys are file names: letters, digits, `-`, `_`, `.`, and neither `.` nor `..`. */
export function validateDataKeys(object: KubeObject, fields: readonly string[]): StatusCause[] {
  return fields.flatMap((field) =>
    Object.keys((object[field] as Record<string, unknown> | undefined) ?? {})
      .filter((key) => !dataKey.test(key) || key === '.' || key === '..')
      .slice(0, maxCauses)
      .map((key) => invalidValue(`${field}[${key}]`, key, "must consist of letters, digits, '-', '_' or '.'")),
  )
}

/** With `immutable: true` neither the named fields nor the mark itself may change. */
export function validateImmutable(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): StatusCause[] {
  if (old?.immutable !== true) return []
  return [...fields, 'immutable']
    .filter((field) => !sameValue(object[field], old[field]))
    .map((field) => forbiddenField(field, 'field is immutable when `immutable` is set'))
}
