import type { KubeObject } from '../define-kind.js'
import type { JsonSchema } from '../schema/json-schema.js'
import type { FieldSet } from './field-set.js'
import { fieldsOf } from './fields-of.js'
import { trackedPart } from './tracked-part.js'

/** The fields that belong to whoever applies this configuration. Metadata that only names the object is none. */
export function appliedFields(schema: JsonSchema, configuration: KubeObject): FieldSet {
  const { metadata, ...part } = trackedPart(configuration)
  return fieldsOf(schema, Object.keys(metadata as object).length === 0 ? part : { ...part, metadata })
}
