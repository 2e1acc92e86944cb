/**
 * The least rights that controllers need, from what they declare. Reading is one right: who may watch objects sees them anyway. What a pass
 * does with `ctx.client` beyond the declaration is declared as `rights`.
 */

import type { Kind } from '../api/define-kind.js'
import { ClusterRole, type ClusterRoleManifest } from '../api/kinds/cluster-role.js'
import { Event } from '../api/kinds/event.js'
import { Lease } from '../api/kinds/lease.js'
import type { PolicyRule } from '../api/kinds/policy-rule.js'
import { Role, type RoleManifest } from '../api/kinds/role.js'
import { ServiceAccount } from '../api/kinds/service-account.js'
import type { Controller } from './controller.js'

/** What of a controller decides on its rights. */
export type Claimant = Pick<Controller, 'name' | 'for' | 'owns' | 'watches' | 'rights' | 'finalizer' | 'namespace'>

/** Who shall have the rights. */
export interface Account {
  readonly namespace: string
  readonly name: string
}

/**
 * The Roles of a program that runs these controllers as this ServiceAccount: one for each namespace that they
 * are bound to, and a ClusterRole for what they follow everywhere. The Lease, named like the first
 * controller, and the account itself are in the account's namespace.
 */
export function rightsOf(controllers: readonly [Claimant, ...Claimant[]], account: Account): (RoleManifest | ClusterRoleManifest)[] {
  const places = new Map<string, RuleSet>()
  const rulesIn = (namespace: string) => {
    const rules = places.get(namespace) ?? new RuleSet()
    places.set(namespace, rules)
    return rules
  }
  for (const controller of controllers) {
    const allow = (kind: Kind, verbs: readonly Verb[], subresource?: string) =>
      rulesIn(kind.scope === 'Namespaced' ? (controller.namespace ?? everywhere) : everywhere).allow(kind, verbs, subresource)
    const { for: reconciled, owns, watches, rights, finalizer } = controller
    for (const kind of [reconciled, ...owns, ...watches.map(({ kind }) => kind)]) allow(kind, ['get', 'list', 'watch'])
    if (reconciled.subresources.includes('status')) allow(reconciled, ['patch'], 'status')
    if (finalizer || hasPlainStatus(reconciled)) allow(reconciled, ['patch'])
    for (const kind of owns) allow(kind, ['create', 'patch', 'delete'])
    allow(kindOfAny(Event), ['create', 'patch'])
    for (const right of rights) rulesIn(controller.namespace ?? everywhere).add(right)
  }
  const own = rulesIn(account.namespace)
  const lease = { apiGroups: [Lease.group], resources: [Lease.plural] }
  own.add({ ...lease, verbs: ['create'] })
  own.add({ ...lease, verbs: ['get', 'update'], resourceNames: [controllers[0].name] })
  own.add({
    apiGroups: [ServiceAccount.group],
    resources: [`${ServiceAccount.plural}/token`],
    verbs: ['create'],
    resourceNames: [account.name],
  })
  return [...places].map(([namespace, rules]) =>
    namespace === everywhere
      ? {
          apiVersion: ClusterRole.apiVersion,
          kind: ClusterRole.kind,
          metadata: { name: `${account.namespace}:${account.name}` },
          rules: rules.all,
        }
      : { apiVersion: Role.apiVersion, kind: Role.kind, metadata: { name: account.name, namespace }, rules: rules.all },
  )
}

/** No namespace has this name. */
const everywhere = ''

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const
type Verb = (typeof verbs)[number]

/** A status that is written with the rest of the object. */
function hasPlainStatus({ subresources, schema }: Kind): boolean {
  return !subresources.includes('status') && schema.properties?.status !== undefined
}

const kindOfAny = (kind: unknown) => kind as Kind

/** Rules without repetition: what is allowed with the resources of a group in the same way is one rule. */
class RuleSet {
  readonly #verbsOf = new Map<string, { readonly group: string; readonly resource: string; readonly verbs: Set<Verb> }>()
  readonly #given: PolicyRule[] = []

  allow({ group, plural }: Kind, allowed: readonly Verb[], subresource?: string): void {
    const resource = subresource === undefined ? plural : `${plural}/${subresource}`
    const key = `${group}/${resource}`
    const before = this.#verbsOf.get(key)?.verbs ?? new Set()
    this.#verbsOf.set(key, { group, resource, verbs: new Set([...before, ...allowed]) })
  }

  add({ apiGroups, resources, verbs, resourceNames }: Claimant['rights'][number] | PolicyRule): void {
    this.#given.push({
      apiGroups: [...(apiGroups ?? [])],
      resources: [...(resources ?? [])],
      ...(resourceNames ? { resourceNames: [...resourceNames] } : {}),
      verbs: [...verbs],
    })
  }

  get all(): PolicyRule[] {
    const rules = new Map<string, { apiGroups: string[]; resources: string[]; verbs: string[] }>()
    for (const { group, resource, verbs: allowed } of this.#verbsOf.values()) {
      const inOrder = verbs.filter((verb) => allowed.has(verb))
      const key = `${group} ${inOrder}`
      const rule = rules.get(key) ?? { apiGroups: [group], resources: [], verbs: inOrder }
      rule.resources.push(resource)
      rules.set(key, rule)
    }
    return [...rules.values(), ...this.#given]
  }
}
