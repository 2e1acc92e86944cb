/**
 * The stored roles and bindings as the evaluator asks them: for a subject, what it may do everywhere and in each
 * namespace. It follows the store from commit to commit, so the next request is judged by what the last one
 * wrote; what a subject may do is worked out when it is first asked.
 */
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../../../lib/api/kinds/cluster-role-binding.js'
import { Role, rbacGroup } from '../../../lib/api/kinds/role.js'
import { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import type { Change, Store, StoredObject } from '../../storage/store.js'
import { serviceAccountUserName } from '../user.js'
import { gatherRules } from './aggregation.js'
import type { PolicyBinding, PolicyRole, PolicyRule, RoleRef, Subject } from './policy.js'
import { RuleIndex } from './rule-index.js'

/** A binding, and the subject of it that has the right. */
export interface Grant {
  readonly binding: PolicyBinding
  readonly subject: Subject
}

/** The rules of one role that one subject has, and the sentence that says by which binding. */
interface GrantedRules {
  readonly rules: RuleIndex
  readonly reason: string
}

/** What one subject may do in one place: each role counts once there, however many bindings give it. */
export type GrantedRoles = readonly GrantedRules[]

/** What one subject may do. */
export interface SubjectAccess {
  readonly everywhere: GrantedRoles
  readonly inNamespace: ReadonlyMap<string, GrantedRoles>
}

/** A ServiceAccount is a user. */
export type SubjectSort = 'User' | 'Group'

function nameOfSubject({ kind, name, namespace = '' }: Subject): string {
  return kind === 'ServiceAccount' ? serviceAccountUserName(namespace, name) : name
}

/** Subjects of one sort, by name. */
class SubjectTable {
  /** By the id of the binding. */
  readonly grants = new Map<string, Map<string, Grant>>()
  /** Worked out on demand; dropped by every change of a role or binding. */
  readonly access = new Map<string, SubjectAccess>()
}

export class RbacPolicy {
  readonly #roles = new Map<string, PolicyRole>()
  readonly #bindings = new Map<string, PolicyBinding>()
  readonly #users = new SubjectTable()
  readonly #groups = new SubjectTable()
  readonly #gathered = new Map<string, readonly PolicyRule[]>()
  /** One for each role, whoever has it: a change of another role or binding does not make it anew. */
  readonly #indexes = new WeakMap<readonly PolicyRule[], RuleIndex>()

  constructor(store: Pick<Store, 'list' | 'onCommit'>) {
    for (const { plural } of [ClusterRole, Role, ClusterRoleBinding, RoleBinding])
      for (const object of store.list({ group: rbacGroup, resource: plural }).objects) this.#put(object)
    store.onCommit(({ changes }) => {
      for (const change of changes) if (change.object.key.group === rbacGroup) this.#follow(change)
    })
  }

  /** Undefined when no binding names the subject. */
  accessOf(sort: SubjectSort, name: string): SubjectAccess | undefined {
    const table = this.#tableOf(sort)
    const known = table.access.get(name)
    const grants = known === undefined ? table.grants.get(name) : undefined
    if (!grants) return known
    const access = this.#workOut(grants)
    table.access.set(name, access)
    return access
  }

  /** The bindings that name the subject. */
  grantsOf(sort: SubjectSort, name: string): readonly Grant[] {
    return [...(this.#tableOf(sort).grants.get(name)?.values() ?? [])]
  }

  /** The rules of the role that a binding in `namespace` names; undefined when there is no such role. */
  rulesOf(ref: Readonly<RoleRef>, namespace: string): readonly PolicyRule[] | undefined {
    const role = this.#roles.get(ref.kind === 'Role' ? roleKey(namespace, ref.name) : roleKey('', ref.name))
    if (role?.aggregationRule === undefined) return role?.rules
    const { name } = role.metadata
    const known = this.#gathered.get(name) ?? gatherRules(role, [...this.#clusterRoles()])
    this.#gathered.set(name, known)
    return known
  }

  /** ClusterRoles whose rules are gathered from others, each with the rules that it has now. */
  *aggregated(): Generator<{ name: string; rules: readonly PolicyRule[] }> {
    for (const { aggregationRule, metadata } of this.#clusterRoles())
      if (aggregationRule)
        yield { name: metadata.name, rules: this.rulesOf({ apiGroup: rbacGroup, kind: 'ClusterRole', name: metadata.name }, '') ?? [] }
  }

  #tableOf(kind: Subject['kind']): SubjectTable {
    return kind === 'Group' ? this.#groups : this.#users
  }

  *#clusterRoles(): Generator<PolicyRole> {
    for (const role of this.#roles.values()) if (role.kind === 'ClusterRole') yield role
  }

  #follow({ type, object }: Change): void {
    this.#remove(object)
    if (type !== 'DELETED') this.#put(object)
    this.#users.access.clear()
    this.#groups.access.clear()
    if (object.key.resource === ClusterRole.plural) this.#gathered.clear()
  }

  #put({ key: { resource, namespace, name }, bytes }: StoredObject): void {
    if (resource === Role.plural || resource === ClusterRole.plural) {
      const role = JSON.parse(bytes.toString()) as PolicyRole
      this.#roles.set(roleKey(namespace, name), role)
      // At once: many large roles that one question needs together would hold it up.
      if (role.aggregationRule === undefined) this.#indexes.set(role.rules, new RuleIndex(role.rules))
    } else if (resource === RoleBinding.plural || resource === ClusterRoleBinding.plural) {
      const id = roleKey(namespace, name)
      const binding = JSON.parse(bytes.toString()) as PolicyBinding
      this.#bindings.set(id, binding)
      for (const subject of binding.subjects ?? []) {
        const { grants } = this.#tableOf(subject.kind)
        const name = nameOfSubject(subject)
        grants.set(name, (grants.get(name) ?? new Map<string, Grant>()).set(id, { binding, subject }))
      }
    }
  }

  #remove({ key: { resource, namespace, name } }: StoredObject): void {
    const id = roleKey(namespace, name)
    if (resource === Role.plural || resource === ClusterRole.plural) {
      this.#roles.delete(id)
    } else if (resource === RoleBinding.plural || resource === ClusterRoleBinding.plural) {
      for (const subject of this.#bindings.get(id)?.subjects ?? []) {
        const { grants } = this.#tableOf(subject.kind)
        const held = grants.get(nameOfSubject(subject))
        held?.delete(id)
        if (held?.size === 0) grants.delete(nameOfSubject(subject))
      }
      this.#bindings.delete(id)
    }
  }

  /** A binding to a role that does not exist gives nothing. */
  #workOut(grants: ReadonlyMap<string, Grant>): SubjectAccess {
    const places = new Map<string, Map<RuleIndex, string>>()
    for (const grant of grants.values()) {
      const { namespace = '' } = grant.binding.metadata
      const rules = this.#indexOf(grant.binding.roleRef, namespace)
      if (!rules) continue
      const place = places.get(namespace) ?? new Map<RuleIndex, string>()
      places.set(namespace, place)
      if (!place.has(rules)) place.set(rules, describeGrant(grant))
    }
    const granted = [...places].map(([namespace, roles]) => [namespace, [...roles].map(([rules, reason]) => ({ rules, reason }))] as const)
    const inNamespace = new Map<string, GrantedRoles>(granted)
    return { everywhere: inNamespace.get('') ?? [], inNamespace }
  }

  #indexOf(ref: Readonly<RoleRef>, namespace: string): RuleIndex | undefined {
    const rules = this.rulesOf(ref, namespace)
    if (!rules) return undefined
    const known = this.#indexes.get(rules) ?? new RuleIndex(rules)
    this.#indexes.set(rules, known)
    return known
  }
}

/** Cluster-scoped ones have no namespace; names hold no slash. */
const roleKey = (namespace: string, name: string) => `${namespace}/${name}`

function describeGrant({ binding: { kind, metadata, roleRef }, subject }: Grant): string {
  const where = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? ''}` : subject.name
  return `RBAC: allowed by ${kind} "${where}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${name}"`
}
