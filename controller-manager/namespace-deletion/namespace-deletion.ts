/**
 * Empties namespaces that are being deleted, of every kind that discovery knows, and lets them go when nothing is left. Its conditions say
 * what is. One rule: the namespace goes last, and only when a whole pass over all kinds, without a failure, found nothing.
 */
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { controller } from '../../lib/controller/controller.js'
import { servedKinds } from '../served-kinds.js'
import { deletionConditions } from './decide-namespace.js'
import { emptyNamespace } from './empty-namespace.js'

/** What the server puts into spec.finalizers for this controller. */
const contentFinalizer = 'kubernetes'

export const namespaceDeletion = controller({
  name: 'namespace-deletion',
  for: Namespace,
  alsoDeleting: true,
  when: ({ metadata, spec }) => metadata.deletionTimestamp !== undefined && (spec.finalizers?.includes(contentFinalizer) ?? false),
  async reconcile(namespace, ctx) {
    const { name } = namespace.metadata
    const kinds = await servedKinds(ctx.client, ctx.signal)
    const { remaining, failures } = await emptyNamespace(ctx.client, kinds, name, ctx.signal)
    if (failures.length === 0 && remaining.every(({ count }) => count === 0)) {
      const finalizers = namespace.spec.finalizers?.filter((finalizer) => finalizer !== contentFinalizer)
      await ctx.client.of(Namespace).update({ ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: 'finalize' })
      return
    }
    namespace.status.conditions = deletionConditions(namespace.status.conditions, remaining, failures, ctx.clock.now())
    return { requeueAfter: '1s' }
  },
})
