/**
 * Removes the objects of kinds whose CustomResourceDefinition is being deleted, and lets it go when none is left. The server takes no new
 * ones from the moment that the deletion was asked for. One rule: the definition goes last, so that no object is left that nobody can name.
 */
import { customKinds } from '../../lib/api/custom-kinds/custom-kinds.js'
import { CustomResourceDefinition, instanceCleanupFinalizer } from '../../lib/api/kinds/custom-resource-definition.js'
import { controller } from '../../lib/controller/controller.js'
import { emptyKind } from './empty-kind.js'

export const definitionDeletion = controller({
  name: 'definition-deletion',
  for: CustomResourceDefinition,
  // The server has put it there when the definition was made.
  finalizer: instanceCleanupFinalizer,
  when: ({ metadata }) => metadata.deletionTimestamp !== undefined,
  async reconcile() {},
  async finalize(definition, ctx) {
    const [kind] = customKinds(definition, 0)
    const left = kind ? await emptyKind(ctx.client, kind, ctx.signal) : 0
    if (left === 0) return
    ctx.condition('Terminating', true, 'InstanceDeletionInProgress', `objects of the kind that are left: ${left}`)
    return { requeueAfter: '1s' }
  },
})
