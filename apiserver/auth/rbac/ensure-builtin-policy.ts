import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../../../lib/api/kinds/cluster-role-binding.js'
import { rbacGroup } from '../../../lib/api/kinds/role.js'
import { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import type { Registry } from '../../registry/registry.js'
import type { Store } from '../../storage/store.js'
import { bootstrapContext } from '../bootstrap-context.js'
import { builtinBindings, builtinLabel, builtinRoles, isBuiltinPolicy } from './builtin-policy.js'
import type { PolicyBinding, PolicyRole } from './policy.js'

/**
 * Stores the built-in roles and bindings as this version has them: what is absent is made, what
 * differs is replaced, and what an earlier version had is taken away.
 */
export async function ensureBuiltinPolicy(registry: Registry, store: Pick<Store, 'get' | 'list'>): Promise<void> {
  const kinds = new Map([ClusterRole, ClusterRoleBinding, RoleBinding].map((kind) => [kind.kind, kind as unknown as Kind]))
  const served = [...kinds.values()].every((kind) => registry.findKind(kind.group, kind.version, kind.plural))
  if (!served) return
  const ensure = async (wanted: PolicyRole | PolicyBinding) => {
    const kind = kinds.get(wanted.kind) as Kind
    const { name, namespace = '' } = wanted.metadata
    const stored = store.get({ group: rbacGroup, resource: kind.plural, namespace, name })
    if (!stored) {
      await registry.create(kind, namespace, { value: structuredClone(wanted), duplicates: [] }, bootstrapContext)
      return
    }
    const present = JSON.parse(stored.bytes.toString()) as KubeObject
    const next = { ...present, ...structuredClone(wanted), metadata: { ...present.metadata, labels: wanted.metadata.labels } }
    const kept = 'aggregationRule' in wanted ? { ...next, rules: present.rules } : next
    if (!sameValue(present, kept))
      await registry.update({ kind, namespace, name, subresource: '' }, { value: kept, duplicates: [] }, bootstrapContext)
  }
  await Promise.all([...builtinRoles, ...builtinBindings].map(ensure))
  await Promise.all(
    [...kinds.values()].flatMap((kind) => formerly(store, kind).map((target) => registry.delete(target, {}, bootstrapContext))),
  )
}

/** What carries the label of built-in policy, but is none any more. */
function formerly(store: Pick<Store, 'list'>, kind: Kind) {
  const [[label, value] = ['', '']] = Object.entries(builtinLabel)
  return store
    .list({ group: rbacGroup, resource: kind.plural })
    .objects.filter(({ key, facets }) => facets.labels[label] === value && !isBuiltinPolicy(kind.plural, key.namespace, key.name))
    .map(({ key }) => ({ kind, namespace: key.namespace, name: key.name }))
}
