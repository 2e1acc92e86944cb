import { conflict, notFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { timestamp } from '../../lib/base/clock.js'
import type { Decide, Decision, ReadView, StoredObject } from '../storage/store.js'
import { isGone } from './decide-update.js'
import { parseStored, toDraft, toUnchangedDraft } from './object-bytes.js'
import type { DeleteOptions, DeleteResult, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, type ResourceRules, subjectOf } from './resource-rules.js'
import { arrange } from './server-metadata.js'

type DeleteTarget = Omit<Target, 'subresource'>

/** Deletes an object, or begins its deletion while finalizers hold it; see registry.ts. */
export async function deleteObject(
  parts: RegistryParts,
  target: DeleteTarget,
  options: DeleteOptions,
  context: RequestContext,
): Promise<DeleteResult> {
  const { kind, namespace, name } = target
  const decide: Decide = (current, view) => {
    options.judge?.(current)
    if (!current) throw notFound(subjectOf(kind, name))
    return decideDelete(parts, target, options, current, view, context)
  }
  const result = await write(parts, keyOf(kind, namespace, name), decide, context)
  return { object: parts.rulesOf(kind).serve(result.object as StoredObject), gone: result.outcome === 'deleted' }
}

function decideDelete(
  parts: RegistryParts,
  target: DeleteTarget,
  options: DeleteOptions,
  stored: StoredObject,
  view: ReadView,
  context: RequestContext,
): Decision {
  const { kind, namespace, name } = target
  const rules = parts.rulesOf(kind)
  assertPreconditions(target, options, stored)
  const parsed = parseStored(stored)
  const old: KubeObject = { ...parsed, metadata: arrange(parsed.metadata) }
  rules.strategy.checkDelete?.(old)
  const review = { operation: 'delete', kind, subresource: '', namespace, name, object: undefined, old, user: context.user, view } as const
  for (const admit of parts.admission) admit(review)

  const finalizers = finalizersAfter(old.metadata.finalizers ?? [], options.propagationPolicy)
  const next: KubeObject = { ...old, metadata: { ...old.metadata, finalizers } }
  if (!old.metadata.deletionTimestamp) {
    next.metadata.deletionTimestamp = timestamp(parts.clock.now())
    next.metadata.deletionGracePeriodSeconds = graceSeconds(rules, old, options)
    next.metadata.generation = (old.metadata.generation ?? 0) + 1
    rules.strategy.prepareDelete?.(next)
    rules.strategy.settle?.(next, view, parts.clock.now())
  } else if (isShorter(rules, old, options)) {
    next.metadata.deletionGracePeriodSeconds = graceSeconds(rules, old, options)
  }
  next.metadata = arrange(next.metadata)
  if (isGone(rules, next)) return { type: 'delete', draft: toUnchangedDraft(stored) }
  if (sameValue(next, old)) return { type: 'unchanged' }
  return { type: 'put', draft: toDraft(rules, next) }
}

/** Throws Conflict when this is not the object, or the state of it, that was meant. */
export function assertPreconditions(
  { kind, name }: DeleteTarget,
  { preconditions }: Pick<DeleteOptions, 'preconditions'>,
  stored: StoredObject,
): void {
  const subject = subjectOf(kind, name)
  if (preconditions?.uid && preconditions.uid !== stored.uid)
    throw conflict(
      subject,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${stored.uid}). The object might have been deleted and then recreated`,
    )
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== String(stored.revision))
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${stored.revision}). The object might have been modified`,
    )
}

/** What the policy asks the garbage collector to do before the object goes. No policy leaves what an earlier one asked for. */
function finalizersAfter(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (policy === undefined) return [...finalizers]
  const others = finalizers.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion')
  if (policy === 'Orphan') return [...others, 'orphan']
  return policy === 'Foreground' ? [...others, 'foregroundDeletion'] : others
}

/** How long the object has to end: what the request says, else what the object does; at once for kinds that have nothing to end. */
function graceSeconds({ strategy }: ResourceRules, object: KubeObject, { gracePeriodSeconds: asked }: DeleteOptions): number {
  if (!strategy.graceSeconds) return 0
  if (asked === undefined) return strategy.graceSeconds(object)
  return asked < 0 ? 1 : asked
}

/** A later request may shorten the time, and never lengthens it. */
function isShorter(rules: ResourceRules, object: KubeObject, options: DeleteOptions): boolean {
  if (!rules.strategy.graceSeconds || options.gracePeriodSeconds === undefined) return false
  return graceSeconds(rules, object, options) < (object.metadata.deletionGracePeriodSeconds ?? 0)
}
