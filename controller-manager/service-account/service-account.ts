/**
 * Gives each namespace the ServiceAccount `default`, and gives it again when it was
 * deleted. One rule: nothing is made in a namespace that is going.
 */
import { isAlreadyExists, isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { defaultServiceAccount, ServiceAccount } from '../../lib/api/kinds/service-account.js'
import { controller } from '../../lib/controller/controller.js'
import { watch } from '../../lib/controller/watch.js'

export const serviceAccount = controller({
  name: 'service-account',
  for: Namespace,
  watches: [watch(ServiceAccount, ({ metadata }) => (metadata.name === defaultServiceAccount ? [{ name: metadata.namespace ?? '' }] : []))],
  async reconcile({ metadata: { name: namespace } }, ctx) {
    const at = { namespace, name: defaultServiceAccount }
    if (await ctx.get(ServiceAccount, at)) return
    try {
      await ctx.client.of(ServiceAccount).create({ metadata: at })
    } catch (error) {
      if (isAlreadyExists(error) || isNotFound(error)) return
      // The namespace has begun to go since it was looked at; what else is forbidden is tried again.
      if (isForbidden(error) && (await ctx.get(Namespace, { name: namespace }))?.metadata.deletionTimestamp) return
      throw error
    }
  },
})
