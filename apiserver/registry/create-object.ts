import { alreadyExists, badRequest, isAlreadyExists } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { ManagedFieldsEntry } from '../../lib/api/managed-fields/managed-entry.js'
import { generateName } from '../../lib/api/names.js'
import type { Decide, StoredObject } from '../storage/store.js'
import { judgeFindings } from './field-strictness.js'
import { trackCreation } from './field-tracking.js'
import { assertSameNamespace, incomingObject } from './incoming-object.js'
import { assertNamespaceTakes } from './namespace-check.js'
import { toDraft } from './object-bytes.js'
import type { DecodedBody, ObjectResult, RequestContext } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, type ResourceRules, subjectOf } from './resource-rules.js'
import { newMetadata } from './server-metadata.js'

/** Names that are tried for one generateName. */
const nameTries = 8

/** Creates an object; see registry.ts. */
export async function createObject(
  parts: RegistryParts,
  kind: Kind,
  namespace: string,
  body: DecodedBody,
  context: RequestContext,
): Promise<ObjectResult> {
  const rules = parts.rulesOf(kind)
  const { object, findings } = incomingObject(kind, body)
  judgeFindings(findings, context)
  assertSameNamespace(object.metadata.namespace, namespace)
  if (object.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
  const generated = !object.metadata.name && object.metadata.generateName
  for (let attempt = 1; ; attempt++) {
    const named = generated ? withName(object, generateName(generated, parts.random)) : object
    try {
      return await createNamed(parts, rules, namespace, named, context)
    } catch (error) {
      if (!generated || attempt >= nameTries || !isAlreadyExists(error)) throw error
    }
  }
}

async function createNamed(
  parts: RegistryParts,
  rules: ResourceRules,
  namespace: string,
  object: KubeObject,
  context: RequestContext,
): Promise<ObjectResult> {
  const newborn = await prepare(parts, rules.kind, bear(parts, rules, namespace, object, context), context)
  const key = keyOf(rules.kind, namespace, newborn.metadata.name)
  const result = await write(parts, key, decideCreate(parts, rules, newborn, context), context)
  return { object: rules.serve(result.object as StoredObject), created: true }
}

/** Completes a valid new object with what cannot be done synchronously. */
export async function prepare(parts: RegistryParts, kind: Kind, newborn: KubeObject, context: RequestContext): Promise<KubeObject> {
  const preparation = parts.preparations[`${kind.group}/${kind.plural}`]
  return preparation && !context.dryRun ? preparation(newborn, context) : newborn
}

/** The complete new object: server-set metadata, an empty status, what the kind's strategy adds, who manages it; valid. */
export function bear(
  parts: RegistryParts,
  rules: ResourceRules,
  namespace: string,
  object: KubeObject,
  context: RequestContext,
  track: (newborn: KubeObject) => readonly ManagedFieldsEntry[] | undefined = (newborn) => trackCreation(rules, newborn, context),
): KubeObject {
  const { kind, strategy } = rules
  const { status: _status, ...rest } = object
  const newborn = (kind.subresources.includes('status') ? rest : object) as KubeObject
  rules.assertShape(newborn)
  const nowMs = parts.clock.now()
  const birth = { uid: parts.newUid(), nowMs, namespace: kind.scope === 'Namespaced' ? namespace : '', name: object.metadata.name }
  const complete: KubeObject = { ...newborn, metadata: newMetadata(newborn.metadata, birth) }
  const entries = track(complete)
  strategy.prepareCreate?.(complete, { user: context.user, nowMs })
  rules.assertRules(complete, undefined)
  if (entries) complete.metadata.managedFields = [...entries]
  return complete
}

/** Stores the newborn unless the name is taken, the namespace does not take it, or admission refuses it. */
export function decideCreate(parts: RegistryParts, rules: ResourceRules, newborn: KubeObject, context: RequestContext): Decide {
  const { kind, strategy } = rules
  const { name, namespace = '' } = newborn.metadata
  const prepared = strategy.settle ? undefined : toDraft(rules, newborn)
  return (current, view) => {
    parts.kinds.assertTakes(kind, view)
    assertNamespaceTakes(kind, namespace, name, view)
    if (current) throw alreadyExists(subjectOf(kind, name))
    // What one turn settles is forgotten when the write has to wait for another.
    const settled = strategy.settle ? { ...newborn } : newborn
    strategy.settle?.(settled, view, parts.clock.now())
    const born = kind.workload ? parts.gpus.give(kind, settled, view) : settled
    const review = {
      operation: 'create',
      kind,
      subresource: '',
      namespace,
      name,
      object: born,
      old: undefined,
      user: context.user,
      view,
    } as const
    for (const admit of parts.admission) admit(review)
    return { type: 'put', draft: prepared !== undefined && born === newborn ? prepared : toDraft(rules, born) }
  }
}

const withName = (object: KubeObject, name: string): KubeObject => ({ ...object, metadata: { ...object.metadata, name } })
