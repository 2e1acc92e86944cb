import { ApiError, badRequest, conflict, internalError, notFound } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { Decision, ReadView, StoredObject } from '../storage/store.js'
import { parseStored, toDraft } from './object-bytes.js'
import type { Binding, BindingResult, RequestContext } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, subjectOf } from './resource-rules.js'
import { arrange } from './server-metadata.js'
import { markBound, nodeNameOf } from './strategies/workload.js'

/** Binds workloads to nodes; see registry.ts. All writes are handed to the store at once, so that they share its batches. */
export async function bindWorkloads(
  parts: RegistryParts,
  kind: Kind,
  bindings: readonly Binding[],
  context: RequestContext,
): Promise<readonly BindingResult[]> {
  if (!kind.workload) throw badRequest(`${kind.plural} are not bound to nodes`)
  return Promise.all(bindings.map((binding) => bindOne(parts, kind, binding, context)))
}

async function bindOne(parts: RegistryParts, kind: Kind, binding: Binding, context: RequestContext): Promise<BindingResult> {
  const { namespace, name } = binding
  try {
    await write(
      parts,
      keyOf(kind, namespace, name),
      (current, view) => decideBinding(parts, kind, binding, current, view, context),
      context,
    )
    return { namespace, name }
  } catch (error) {
    const { reason, message, code } = error instanceof ApiError ? error : internalError('the binding failed', error)
    return { namespace, name, error: { reason, message, code } }
  }
}

function decideBinding(
  parts: RegistryParts,
  kind: Kind,
  { namespace, name, nodeName, uid }: Binding,
  stored: StoredObject | undefined,
  view: ReadView,
  context: RequestContext,
): Decision {
  const subject = subjectOf(kind, name)
  if (!stored) throw notFound(subject)
  if (uid && uid !== stored.uid)
    throw conflict(subject, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.uid}`)
  const parsed = parseStored(stored)
  const old: KubeObject = { ...parsed, metadata: arrange(parsed.metadata) }
  const bound = nodeNameOf(old)
  if (bound) throw conflict(subject, `${kind.singular} ${name} is already assigned to node "${bound}"`)
  if (old.metadata.deletionTimestamp) throw conflict(subject, `${kind.singular} ${name} is being deleted, cannot be assigned to a node`)
  if (!view.get({ group: '', resource: 'nodes', namespace: '', name: nodeName }))
    throw notFound({ group: '', resource: 'nodes', name: nodeName })

  const marked: KubeObject = { ...old, metadata: { ...old.metadata, generation: (old.metadata.generation ?? 0) + 1 } }
  markBound(marked, nodeName, parts.clock.now())
  marked.metadata = arrange(marked.metadata)
  const next = parts.gpus.give(kind, marked, view)
  const review = { operation: 'bind', kind, subresource: '', namespace, name, object: next, old, user: context.user, view } as const
  for (const admit of parts.admission) admit(review)
  return { type: 'put', draft: toDraft(parts.rulesOf(kind), next) }
}
