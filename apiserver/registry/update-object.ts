import { invalidValue, notFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Decide, StoredObject } from '../storage/store.js'
import { bear, decideCreate } from './create-object.js'
import { decideUpdate } from './decide-update.js'
import { judgeFindings } from './field-strictness.js'
import { trackWrite } from './field-tracking.js'
import { assertSameName, incomingObject } from './incoming-object.js'
import type { DecodedBody, ObjectResult, RequestContext, Target, UpdateOptions } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, type ResourceRules, refuse, subjectOf } from './resource-rules.js'

/** Replaces an object, or one of its subresources; see registry.ts. */
export async function updateObject(
  parts: RegistryParts,
  target: Target,
  body: DecodedBody,
  context: RequestContext,
  options?: UpdateOptions,
): Promise<ObjectResult> {
  const { kind, namespace, name } = target
  const rules = parts.rulesOf(kind)
  const { object, findings } = incomingObject(kind, body)
  judgeFindings(findings, context)
  assertSameName(object, name, kind.scope === 'Namespaced' ? namespace : '')
  const guarded = Boolean(object.metadata.resourceVersion)
  const create = kind.createOnUpdate && target.subresource === '' && !guarded ? creation(parts, rules, target, object, context) : undefined
  const decide: Decide = (current, view) => {
    if (!current) {
      if (create) options?.assertMayCreate()
      if (create) return create(current, view)
      throw notFound(subjectOf(kind, name))
    }
    if (rules.custom && !guarded && !kind.createOnUpdate)
      refuse(kind, name, [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')])
    return decideUpdate(parts, rules, target, { next: () => object, guarded, track: trackWrite(target, context) }, current, view, context)
  }
  const result = await write(parts, keyOf(kind, namespace, name), decide, context)
  return { object: rules.serve(result.object as StoredObject), created: result.outcome === 'created' }
}

function creation(parts: RegistryParts, rules: ResourceRules, target: Target, object: KubeObject, context: RequestContext): Decide {
  const named = { ...object, metadata: { ...object.metadata, name: target.name } }
  return decideCreate(parts, rules, bear(parts, rules, target.namespace, named, context), context)
}
