import { forbiddenField, invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import type { Kind } from '../define-kind.js'
import { isDnsLabel, isDnsSubdomain, isLabelValue, isPathSegment, isQualifiedName } from '../names.js'
import type { ObjectMetaInput, OwnerReference } from '../object-meta.js'

/** An answer holds no more of them; see `invalid`. */
const maxCauses = 20
const maxAnnotationBytes = 256 * 1024
const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes', 'customresourcecleanup.apiextensions.k8s.io'])

/** The rules that hold for the metadata of every kind. The schema has been checked before. */
export function validateMetadata(kind: Pick<Kind, 'nameRule'>, metadata: ObjectMetaInput): StatusCause[] {
  return [
    ...validateName(kind.nameRule, metadata),
    ...validateLabels(metadata.labels ?? {}),
    ...validateAnnotations(metadata.annotations ?? {}),
    ...validateFinalizers(metadata.finalizers ?? []),
    ...validateOwners(metadata.ownerReferences ?? []),
  ]
}

const nameRules: Record<Kind['nameRule'], { matches: (name: string) => boolean; text: string }> = {
  subdomain: {
    matches: isDnsSubdomain,
    text: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')",
  },
  label: {
    matches: isDnsLabel,
    text: "a lowercase RFC 1123 label must consist of at most 63 lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name')",
  },
  path: { matches: isPathSegment, text: "may not be '.' or '..' and may not contain '/' or '%'" },
}

function validateName(rule: Kind['nameRule'], { name, generateName }: ObjectMetaInput): StatusCause[] {
  const { matches, text } = nameRules[rule]
  if (name) return matches(name) ? [] : [invalidValue('metadata.name', name, text)]
  if (!generateName) return [requiredValue('metadata.name', 'name or generateName is required')]
  // What the server appends ends the name well: the prefix may end in '-' or '.'.
  return matches(`${generateName.slice(0, 58)}bcdfg`) ? [] : [invalidValue('metadata.generateName', generateName, text)]
}

export function validateLabels(labels: Readonly<Record<string, string>>, field = 'metadata.labels'): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [key, value] of Object.entries(labels)) {
    if (causes.length >= maxCauses) break
    if (!isQualifiedName(key)) causes.push(invalidValue(field, key, qualifiedNameText))
    if (!isLabelValue(value))
      causes.push(
        invalidValue(
          field,
          value,
          "a valid label must be an empty string or consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      )
  }
  return causes
}

const qualifiedNameText =
  "name part must consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName', or 'example.com/MyName')"

export function validateAnnotations(annotations: Readonly<Record<string, string>>, field = 'metadata.annotations'): StatusCause[] {
  const causes: StatusCause[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
    if (causes.length < maxCauses && !isQualifiedName(key.toLowerCase())) causes.push(invalidValue(field, key, qualifiedNameText))
  }
  if (bytes > maxAnnotationBytes)
    causes.push({
      reason: 'FieldValueTooLong',
      field,
      message: `Too long: may not be more than ${maxAnnotationBytes} bytes`,
    })
  return causes
}

function validateFinalizers(finalizers: readonly string[]): StatusCause[] {
  const causes: StatusCause[] = []
  for (const finalizer of finalizers) {
    if (causes.length >= maxCauses) break
    if (!isQualifiedName(finalizer)) causes.push(invalidValue('metadata.finalizers', finalizer, qualifiedNameText))
    else if (!finalizer.includes('/') && !standardFinalizers.has(finalizer))
      causes.push(
        invalidValue(
          'metadata.finalizers',
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified (e.g. example.com/name)',
        ),
      )
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    causes.push(invalidValue('metadata.finalizers', finalizers, 'orphan and foregroundDeletion cannot both be set'))
  return causes
}

function validateOwners(owners: readonly OwnerReference[]): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [index, owner] of owners.entries())
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const)
      if (!owner[field]) causes.push(requiredValue(`metadata.ownerReferences[${index}].${field}`, 'must not be empty'))
  const controllers = owners.filter((owner) => owner.controller)
  if (controllers.length > 1)
    causes.push(
      forbiddenField('metadata.ownerReferences', `only one reference can have controller set to true, found ${controllers.length}`),
    )
  return causes
}
