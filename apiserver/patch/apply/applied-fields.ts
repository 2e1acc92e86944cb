import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { FieldSet } from '../../../lib/api/managed-fields/field-set.js'
import { fieldsOf } from '../../../lib/api/managed-fields/fields-of.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { trackedPart } from './tracked-part.js'

/** The fields that belong to whoever applies this configuration. Metadata that only names the object is none. */
export function appliedFields(schema: JsonSchema, configuration: KubeObject): FieldSet {
  const { metadata, ...part } = trackedPart(configuration)
  return fieldsOf(schema, Object.keys(metadata as object).length === 0 ? part : { ...part, metadata })
}
