import type { Kind } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { rbacGroup } from '../../../lib/api/kinds/role.js'
import type { Logger } from '../../../lib/base/log.js'
import { parseStored, toDraft } from '../../registry/object-bytes.js'
import { createResourceRules } from '../../registry/resource-rules.js'
import { arrange } from '../../registry/server-metadata.js'
import type { Decide, Store } from '../../storage/store.js'
import { serverUser } from '../user.js'
import type { PolicyRule } from './policy.js'
import type { RbacPolicy } from './rbac-policy.js'

/**
 * Writes into each ClusterRole that is gathered from others the rules that it has, so that people see them. Requests are judged by the
 * policy itself and wait for nothing here. Resolves with how to stop when all are written once.
 */
export async function keepGathered(options: {
  readonly policy: Pick<RbacPolicy, 'aggregated'>
  readonly store: Pick<Store, 'write' | 'onCommit'>
  readonly log: Logger
}): Promise<() => void> {
  const { policy, store, log } = options
  const resourceRules = createResourceRules(ClusterRole as unknown as Kind)

  const decide =
    (rules: readonly PolicyRule[]): Decide =>
    (current) => {
      const role = current && parseStored(current)
      if (!role?.aggregationRule || sameValue(role.rules, rules)) return { type: 'unchanged' }
      return { type: 'put', draft: toDraft(resourceRules, { ...role, metadata: arrange(role.metadata), rules }) }
    }

  const show = async ({ name, rules }: { name: string; rules: readonly PolicyRule[] }) => {
    const key = { group: rbacGroup, resource: ClusterRole.plural, namespace: '', name }
    try {
      await store.write(key, decide(rules), { actor: serverUser.name, requestId: 'gather-rules' })
    } catch (error) {
      log.warn({ clusterRole: name, error: String(error) }, 'the gathered rules of a role could not be shown')
    }
  }
  const showAll = () => Promise.all([...policy.aggregated()].map(show))

  await showAll()
  let waiting = false
  return store.onCommit(({ changes }) => {
    if (waiting || !changes.some(({ object: { key } }) => key.group === rbacGroup && key.resource === ClusterRole.plural)) return
    waiting = true
    queueMicrotask(() => {
      waiting = false
      void showAll()
    })
  })
}
