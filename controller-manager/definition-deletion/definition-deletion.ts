/**
 * Removes the objects of kinds whose CustomResourceDefinition is being deleted, and lets it go when none is left. The server takes no new ones from the
 * moment that the deletion was asked for. One rule: the definition goes last, so that no object is left that nobody can name.
 */
import { withCondition } from '../../lib/api/condition.js'
import { customKinds } from '../../lib/api/custom-kinds/custom-kinds.js'
import { CustomResourceDefinition, instanceCleanupFinalizer } from '../../lib/api/kinds/custom-resource-definition.js'
import { hasFinalizer, removeFinalizer } from '../../lib/controller/finalizer.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { emptyKind } from './empty-kind.js'

const lookAgainMs = 1_000

export function runDefinitionDeletion(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { definitions } = context
  return runController(
    {
      ...context,
      name: 'definition-deletion',
      informers: [definitions],
      triggers: [onChange(definitions, ({ metadata }) => [metadata.deletionTimestamp ? metadata.name : undefined])],
      async reconcile(name, ctx) {
        const definition = definitions.lister.get(name)
        if (!definition?.metadata.deletionTimestamp || !hasFinalizer(definition, instanceCleanupFinalizer)) return undefined
        const [kind] = customKinds(definition, 0)
        const left = kind ? await emptyKind(ctx.client, kind, ctx.signal) : 0
        const draft = structuredClone(definition)
        if (left === 0) removeFinalizer(draft, instanceCleanupFinalizer)
        else draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, remaining(left), ctx.clock.now()) }
        await ctx.commit(CustomResourceDefinition, definition, draft)
        return left === 0 ? undefined : { requeueAfterMs: lookAgainMs }
      },
    },
    signal,
  )
}

const remaining = (count: number) =>
  ({
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: `objects of the kind that are left: ${count}`,
  }) as const
