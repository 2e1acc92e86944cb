import { ApiError, badRequest } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { type Findings, judgeFindings } from './field-strictness.js'
import { assertSameName, incomingObject } from './incoming-object.js'
import type { DecodedBody, RequestContext, Target } from './registry.js'
import type { ResourceRules } from './resource-rules.js'

/**
 * The configuration that a body applies: of the kind and name of the URL, without defaults (they would be the applier's), and without the
 * parts of the object that this endpoint does not write. Throws ApiErrors: 400.
 */
export function readConfiguration(
  { kind, strategy }: ResourceRules,
  target: Target,
  { value, duplicates }: DecodedBody,
  context: RequestContext,
): KubeObject {
  const given = asRecord(value)
  if (typeof given.apiVersion !== 'string' || typeof given.kind !== 'string')
    throw badRequest('what is applied must have apiVersion and kind')
  if (given.apiVersion !== kind.apiVersion)
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${given.apiVersion}, expected: ${kind.apiVersion}`,
    )
  if ((asRecord(given.metadata).managedFields ?? undefined) !== undefined) throw badRequest('metadata.managedFields must be nil')
  const { object, findings } = incomingObject(kind, { value: given, duplicates }, { defaults: false })
  judge(target, findings, context)
  if (!object.metadata.name) throw badRequest('what is applied must have metadata.name')
  assertSameName(object, target.name, kind.scope === 'Namespaced' ? target.namespace : '')
  strategy.prepareApply?.(object)
  return partOf(target, object)
}

/** A field that the schema does not know can belong to nobody: the words are those that clients of server-side apply know. */
function judge(target: Target, findings: Findings, context: RequestContext): void {
  const unknown = findings.causes.map(({ field }) => `.${field}: field not declared in schema`)
  const [first] = unknown
  if (context.fieldValidation !== 'Strict' || first === undefined) {
    judgeFindings(findings, context)
    return
  }
  const { kind, namespace, name } = target
  const place = kind.scope === 'Namespaced' ? `${namespace}/${name}` : `/${name}`
  const what = unknown.length === 1 ? first : `errors:\n${unknown.map((line) => `  ${line}`).join('\n')}`
  throw new ApiError('BadRequest', `failed to create typed patch object (${place}; ${kind.apiVersion}, Kind=${kind.kind}): ${what}`, {
    details: { causes: findings.causes.slice(0, maxCauses) },
  })
}
const maxCauses = 20

/** The configuration without what belongs to other endpoints. */
function partOf({ kind, subresource }: Target, object: KubeObject): KubeObject {
  const { apiVersion, kind: kindName, metadata, status, ...rest } = object
  const { name, namespace, uid, resourceVersion } = metadata
  const identity = { name, namespace, uid, resourceVersion } as KubeObject['metadata']
  switch (subresource) {
    case '':
      return kind.subresources.includes('status') || status === undefined ? { apiVersion, kind: kindName, metadata, ...rest } : object
    case 'scale':
      throw badRequest('a scale is not applied, but patched or replaced')
    case 'status':
      return { apiVersion, kind: kindName, metadata: identity, ...(status === undefined ? {} : { status }) }
    case 'approval': {
      const { conditions } = asRecord(status)
      return { apiVersion, kind: kindName, metadata: identity, ...(conditions === undefined ? {} : { status: { conditions } }) }
    }
    case 'finalize': {
      const { finalizers } = asRecord(rest.spec)
      return { apiVersion, kind: kindName, metadata: identity, ...(finalizers === undefined ? {} : { spec: { finalizers } }) }
    }
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
