/** The subset of JSON Schema that Kubernetes calls a structural schema. Built-in kinds and users' custom kinds both use it. */
export interface JsonSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  title?: string
  description?: string
  example?: unknown
  externalDocs?: { description?: string; url?: string }
  default?: unknown
  format?: string
  enum?: unknown[]
  nullable?: boolean
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
  maxProperties?: number
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  allOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  not?: JsonSchema
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  /** What tells the items of a list map apart in strategic merge patches, where that is fewer keys than elsewhere. */
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-map-type'?: 'atomic' | 'granular'
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-validations'?: ValidationRule[]
  /** A field of Kubernetes that Millrace does not have; see pod-template/foreign-field.ts. */
  'x-millrace-foreign'?: { readonly why: string; readonly harmless: readonly unknown[] | 'all' }
}

/** A rule in CEL. It holds when `rule` is true. */
export interface ValidationRule {
  rule: string
  message?: string
  /** Makes the message, in CEL. */
  messageExpression?: string
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate'
  /** The member that is wrong: `.spec.size`. */
  fieldPath?: string
  /** Whether a rule with `oldSelf` is looked at without a state before, too; `oldSelf` is optional then. */
  optionalOldSelf?: boolean
}
