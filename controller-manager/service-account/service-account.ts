/** Gives each namespace the ServiceAccount `default`, and gives it again when it was deleted. One rule: nothing is made in a namespace that is going. */
import { isAlreadyExists, isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { defaultServiceAccount, ServiceAccount } from '../../lib/api/kinds/service-account.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'

export function runServiceAccount(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { namespaces, serviceAccounts } = context
  return runController(
    {
      ...context,
      name: 'service-account',
      informers: [namespaces, serviceAccounts],
      triggers: [
        onChange(namespaces, ({ metadata }) => [metadata.name]),
        onChange(serviceAccounts, ({ metadata }) => [metadata.name === defaultServiceAccount ? metadata.namespace : undefined]),
      ],
      async reconcile(namespace, ctx) {
        const found = namespaces.lister.get(namespace)
        if (!found || found.metadata.deletionTimestamp || serviceAccounts.lister.get(`${namespace}/${defaultServiceAccount}`)) return
        try {
          await ctx.client.of(ServiceAccount).create({ metadata: { name: defaultServiceAccount, namespace } }, { signal: ctx.signal })
        } catch (error) {
          if (isAlreadyExists(error) || isNotFound(error)) return
          // The namespace has begun to go since it was looked at; what else is forbidden is tried again.
          if (isForbidden(error) && namespaces.lister.get(namespace)?.metadata.deletionTimestamp) return
          throw error
        }
      },
    },
    signal,
  )
}
