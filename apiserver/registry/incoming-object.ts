import { ApiError, badRequest } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { shapeValue } from '../../lib/api/validation/shape-value.js'
import { type Findings, strictnessFindings } from './field-strictness.js'
import type { DecodedBody } from './registry.js'
import { dedupOwners } from './server-metadata.js'

/** An object that a client sent, in the shape of its kind: unknown fields are gone, defaults are there, types are not yet checked. */
export interface IncomingObject {
  readonly object: KubeObject
  readonly findings: Findings
}

/** Shapes what a body holds, by default with defaults; `value` is changed. Throws BadRequest when it is no object of the kind. */
export function incomingObject(kind: Kind, { value, duplicates }: DecodedBody, options: { defaults?: boolean } = {}): IncomingObject {
  const object = asObject(value)
  const { apiVersion = kind.apiVersion, kind: kindName = kind.kind } = object
  assertText('apiVersion', apiVersion)
  assertText('kind', kindName)
  if (apiVersion !== kind.apiVersion)
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${kind.apiVersion})`)
  if (kindName !== kind.kind) throw badRequest(`the kind in the data (${kindName}) does not match the expected kind (${kind.kind})`)
  object.apiVersion = kind.apiVersion
  object.kind = kind.kind
  object.metadata ??= {}
  if (typeof object.metadata !== 'object' || Array.isArray(object.metadata)) throw badRequest('metadata must be an object')
  const unknown = shapeValue(kind.schema, object, options)
  const findings = strictnessFindings(unknown, duplicates)
  const metadata = object.metadata as Record<string, unknown>
  for (const field of identifying) assertText(`metadata.${field}`, metadata[field])
  const deduped = dedupOwners(metadata.ownerReferences)
  if (deduped?.dropped) {
    metadata.ownerReferences = deduped.owners
    findings.warnings.push('.metadata.ownerReferences contains duplicate entries; API server dedups owner references')
  }
  return { object: object as KubeObject, findings }
}

/** What is looked at, and quoted, before the object is known to have the shape of its kind. */
const identifying = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion'] as const

function assertText(field: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw badRequest(`${field} must be a string`)
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body must be an object')
  return value as Record<string, unknown>
}

/** Throws BadRequest when the body names another object than the URL. */
export function assertSameName(object: KubeObject, name: string, namespace: string): void {
  const { name: bodyName, namespace: bodyNamespace } = object.metadata
  if (bodyName && bodyName !== name)
    throw new ApiError('BadRequest', `the name of the object (${bodyName}) does not match the name on the URL (${name})`)
  assertSameNamespace(bodyNamespace, namespace)
}

export function assertSameNamespace(bodyNamespace: string | undefined, namespace: string): void {
  if (bodyNamespace && bodyNamespace !== namespace)
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request (${bodyNamespace}, ${namespace || 'none'})`,
    )
}
