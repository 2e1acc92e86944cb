/**
 * Empties namespaces that are being deleted, of every kind that discovery knows, and lets them go when nothing is left. Its conditions say what is. One rule:
 * the namespace goes last, and only when a whole pass over all kinds, without a failure, found nothing.
 */
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { servedKinds } from '../served-kinds.js'
import { deletionConditions } from './decide-namespace.js'
import { emptyNamespace } from './empty-namespace.js'

/** What the server puts into spec.finalizers for this controller. */
const contentFinalizer = 'kubernetes'
const lookAgainMs = 1_000

export function runNamespaceDeletion(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { namespaces } = context
  return runController(
    {
      ...context,
      name: 'namespace-deletion',
      informers: [namespaces],
      triggers: [onChange(namespaces, ({ metadata }) => [metadata.deletionTimestamp ? metadata.name : undefined])],
      async reconcile(name, ctx) {
        const namespace = namespaces.lister.get(name)
        const finalizers = namespace?.spec.finalizers ?? []
        if (!namespace?.metadata.deletionTimestamp || !finalizers.includes(contentFinalizer)) return undefined
        const kinds = await servedKinds(ctx.client, ctx.signal)
        const { remaining, failures } = await emptyNamespace(ctx.client, kinds, name, ctx.signal)
        const conditions = deletionConditions(namespace.status?.conditions, remaining, failures, ctx.clock.now())
        if (failures.length === 0 && remaining.every(({ count }) => count === 0)) {
          const spec = { ...namespace.spec, finalizers: finalizers.filter((finalizer) => finalizer !== contentFinalizer) }
          await ctx.client.of(Namespace).update({ ...namespace, spec }, { subresource: 'finalize', signal: ctx.signal })
          return undefined
        }
        await ctx.commit(Namespace, namespace, { ...namespace, status: { ...namespace.status, conditions } })
        return { requeueAfterMs: lookAgainMs }
      },
    },
    signal,
  )
}
