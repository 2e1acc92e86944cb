/** What is wrong with a CustomResourceDefinition whose own schema is kept: names, versions, schemas, and what may not change. */
import { forbiddenField, invalidValue, requiredValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.js'
import { isDnsSubdomain } from '../names.js'
import { namesCauses } from './names-causes.js'
import { versionCauses } from './version-causes.js'

type Definition = CustomResourceDefinition

/** Empty: the definition can become kinds. What did not change is not judged again. */
export function validateDefinition(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const definition = object as unknown as Definition
  const before = old as unknown as Definition | undefined
  if (before && sameValue(before.spec, definition.spec)) return storedVersionCauses(definition)
  return [
    ...groupCauses(definition),
    ...namesCauses(definition.spec.names),
    ...conversionCauses(definition),
    ...versionCauses(definition.spec.versions),
    ...(before ? [...immutableCauses(definition, before), ...storedVersionCauses(definition)] : []),
  ]
}

function groupCauses({ metadata, spec }: Definition): StatusCause[] {
  const { group, names } = spec
  const causes: StatusCause[] = []
  if (!isDnsSubdomain(group) || !group.includes('.'))
    causes.push(invalidValue('spec.group', group, 'should be a domain with at least one dot, in lower case'))
  if (metadata.name !== `${names.plural}.${group}`)
    causes.push(invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  if (isProtected(group) && !metadata.annotations?.[approvalAnnotation])
    causes.push(
      requiredValue(
        `metadata.annotations[${approvalAnnotation}]`,
        `protected groups must have approval annotation "${approvalAnnotation}"`,
      ),
    )
  return causes
}

const approvalAnnotation = 'api-approved.kubernetes.io'
const isProtected = (group: string) => /(^|\.)(k8s|kubernetes)\.io$/.test(group)

function conversionCauses({ spec }: Definition): StatusCause[] {
  const causes: StatusCause[] = []
  if (spec.conversion?.webhook !== undefined)
    causes.push(forbiddenField('spec.conversion.webhook', 'should not be set when strategy is not set to Webhook'))
  if (spec.preserveUnknownFields)
    causes.push(invalidValue('spec.preserveUnknownFields', true, 'must be false; set x-kubernetes-preserve-unknown-fields in the schema'))
  return causes
}

function immutableCauses({ spec }: Definition, { spec: old }: Definition): StatusCause[] {
  const fields = [
    ['spec.group', spec.group, old.group],
    ['spec.scope', spec.scope, old.scope],
    ['spec.names.kind', spec.names.kind, old.names.kind],
    ['spec.names.plural', spec.names.plural, old.names.plural],
  ] as const
  return fields.filter(([, next, before]) => next !== before).map(([field, next]) => invalidValue(field, next, 'field is immutable'))
}

/** No version goes while objects may be stored in it. */
function storedVersionCauses({ spec, status }: Definition): StatusCause[] {
  const known = new Set(spec.versions.map(({ name }) => name))
  const stored = status?.storedVersions ?? []
  const causes = stored
    .map((name, index) => ({ name, field: `status.storedVersions[${index}]` }))
    .filter(({ name }) => !known.has(name))
    .map(({ name, field }) => invalidValue(field, name, 'must appear in spec.versions'))
  const storage = spec.versions.find((version) => version.storage)?.name
  if (storage !== undefined && !stored.includes(storage))
    causes.push(invalidValue('status.storedVersions', stored, `must have the storage version ${storage}`))
  return causes
}
